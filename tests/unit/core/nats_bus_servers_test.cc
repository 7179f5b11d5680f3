// Which NATS servers a bus uses, and which it leaves.
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/thread_annotations.h"
#include "core/nats_bus.h"
#include "tests/support/nats_bus_fixture.h"
#include "tests/support/nats_server.h"
#include "tests/support/tls_files.h"

namespace cairn::core {
namespace {

using testing::HasSubstr;

TEST_F(NatsBusTest, AServerIsNotTrustedWithoutItsAuthority) {
  const TlsFiles files, others;
  test::NatsServer secure("tls { cert_file: \"" + files.cert + "\", key_file: \"" + files.key +
                          "\" }");
  NatsOptions options;
  options.urls = {ByTls(secure), secure.url(), ByTls(*server_)};
  options.fleet = "test";
  options.core_id = 1;
  options.ca_file = others.cert;
  Heard a;
  const auto bus = NatsBus::Start(options, a);
  ASSERT_TRUE(a.Await([&a] { return a.reasons_.size() >= 3; }));
  const MutexLock lock(a.mu_);
  EXPECT_THAT(a.reasons_[0], HasSubstr("certificate: "));
  EXPECT_THAT(a.reasons_[1], HasSubstr("the server wants TLS"));
  EXPECT_THAT(a.reasons_[2], HasSubstr("the server has no TLS"));
}

TEST_F(NatsBusTest, AServerIsNotTrustedUnderAnotherName) {
  const TlsFiles files;  // of "localhost"
  test::NatsServer secure("tls { cert_file: \"" + files.cert + "\", key_file: \"" + files.key +
                          "\" }");
  NatsOptions options;
  options.urls = {"tls" + secure.url().substr(4), ByTls(secure)};
  options.fleet = "test";
  options.core_id = 1;
  options.ca_file = files.cert;
  Heard a;
  const auto bus = NatsBus::Start(options, a);
  ASSERT_TRUE(a.AwaitUp()) << "under the name of its certificate";
  const MutexLock lock(a.mu_);
  EXPECT_THAT(a.reasons_, testing::ElementsAre(HasSubstr("certificate: IP address mismatch")));
}

TEST_F(NatsBusTest, ABusWithAHostLeavesAServerThatIsKilledOrHangs) {
  test::NatsServer other;
  Heard a;
  const auto bus = Join(1, a, {other.url()});
  const Host host(*bus);
  other.Hang();
  ASSERT_TRUE(a.Await([&a] { return a.reasons_.size() == 1; }));
  EXPECT_THAT(a.reasons_.back(), HasSubstr("does not answer"));
  ASSERT_TRUE(a.AwaitUp());
  other.Kill();
  server_->Kill();
  ASSERT_TRUE(a.AwaitUp(false));
  const size_t calls = host.calls();
  server_->Start();
  ASSERT_TRUE(a.AwaitUp());
  EXPECT_LT(host.calls(), calls + 100) << "a connection that is over calls its host no more";
}

TEST_F(NatsBusTest, AServerThatIsKilledAndComesBackIsFoundAgain) {
  Heard a, b;
  const auto bus_a = Join(1, a), bus_b = Join(2, b);
  server_->Kill();
  ASSERT_TRUE(a.AwaitUp(false) && b.AwaitUp(false));
  EXPECT_FALSE(bus_a->Writable());
  bus_a->Send(Numbered(1, 2), {});  // lost
  server_->Start();
  ASSERT_TRUE(a.AwaitUp() && b.AwaitUp());
  EXPECT_TRUE(a.Await([&a] { return a.writable_; })) << "asked for while it was away";
  EXPECT_TRUE(bus_a->Writable());
  bus_a->Send(Numbered(2, 2), {});
  EXPECT_TRUE(b.AwaitNumbers({2}));
}

TEST_F(NatsBusTest, AServerThatHangsIsLeftAndNeverBlocksASender) {
  test::NatsServer other;
  Heard a;
  const auto bus = Join(1, a, {other.url()});
  other.Hang();
  const absl::Time begin = absl::Now();
  absl::Duration longest = absl::ZeroDuration();
  // More than the socket's buffers hold.
  for (uint64_t number = 1; number <= 200; ++number) {
    const absl::Time before = absl::Now();
    if (bus->Writable()) bus->Send(Numbered(number, 2, 100 << 10), {});
    longest = std::max(longest, absl::Now() - before);
  }
  EXPECT_LT(longest, absl::Milliseconds(100));
  ASSERT_TRUE(a.Await([&a] { return !a.reasons_.empty(); }));
  ASSERT_TRUE(a.AwaitUp()) << "the other server";
  EXPECT_LT(absl::Now() - begin, absl::Seconds(4));
  other.GoOn();
}

TEST_F(NatsBusTest, ServersThatRefuseAreTriedInTurnAndTheReasonIsSaid) {
  test::NatsServer refusing("authorization { token: other }");
  Heard a;
  const auto bus = Join(1, a, {refusing.url(), "nats://127.0.0.1:1"});
  const MutexLock lock(a.mu_);
  EXPECT_THAT(a.reasons_,
              testing::ElementsAre(HasSubstr(refusing.url()), HasSubstr("nats://127.0.0.1:1: ")));
}

TEST_F(NatsBusTest, AServerThatCannotCarryAllMessagesIsNotUsed) {
  test::NatsServer small("max_payload: 1000"), old("no_header_support: true");
  Heard a;
  const auto bus = Join(1, a, {small.url(), old.url()});
  const MutexLock lock(a.mu_);
  EXPECT_THAT(a.reasons_, testing::ElementsAre(HasSubstr("max_payload is 1000"),
                                               HasSubstr("no_header_support")));
}

// It closes a connection on which a core says something that it may not say.
TEST_F(NatsBusTest, AServerThatEndsEachConnectionIsTriedEverMoreSeldom) {
  test::NatsServer denying(
      "authorization { users: [{user: a, password: b, permissions: {publish: {deny: \">\"}}}] }\n"
      "no_auth_user: a");
  server_->Kill();
  Heard a;
  const auto bus = Join(1, a, {denying.url()});
  const absl::Time end = absl::Now() + absl::Seconds(1);
  while (absl::Now() < end) {
    bus->Send(Numbered(1, 2), "");
    absl::SleepFor(absl::Milliseconds(1));
  }
  const MutexLock lock(a.mu_);
  EXPECT_GT(a.reasons_.size(), 1u);
  EXPECT_LT(a.reasons_.size(), 15u);
}

TEST_F(NatsBusTest, ALameDuckIsLeftForAnother) {
  test::NatsServer other;
  Heard a;
  const auto bus = Join(1, a, {other.url()});
  other.LameDuck();
  ASSERT_TRUE(a.Await([&a] { return !a.reasons_.empty(); }));
  EXPECT_THAT(a.reasons_.front(), HasSubstr("about to end"));
  EXPECT_TRUE(a.AwaitUp());
}

}  // namespace
}  // namespace cairn::core

#include "core/nats_bus.h"

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "tests/support/nats_server.h"
#include "tests/support/tls_files.h"

namespace cairn::core {
namespace {

using signaling::v1::MeshMessage;
using testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(20);

// What a bus has told.
class Heard : public NatsReceiver {
 public:
  void OnMessage(MeshMessage message) override {
    const MutexLock lock(mu_);
    numbers_.push_back(message.number());
    changed_.Signal();
  }
  void OnWritable() override {
    const MutexLock lock(mu_);
    writable_ = true;
    changed_.Signal();
  }
  void OnNobody(uint64_t core_id) override {
    const MutexLock lock(mu_);
    nobody_.push_back(core_id);
    changed_.Signal();
  }
  void OnState(bool up, std::string_view reason) override {
    const MutexLock lock(mu_);
    up_ = up;
    if (!up) reasons_.emplace_back(reason);
    changed_.Signal();
  }

  template <typename Condition>
  [[nodiscard]] bool Await(Condition condition, absl::Duration patience = kPatience) {
    const MutexLock lock(mu_);
    const auto end = std::chrono::steady_clock::now() + absl::ToChronoMicroseconds(patience);
    while (!condition() && changed_.WaitUntil(mu_, end)) {
    }
    return condition();
  }
  bool AwaitUp(bool up = true) {
    return Await([this, up] { return up_ == up; });
  }
  bool AwaitNumbers(std::vector<uint64_t> numbers) {
    return Await([this, &numbers] { return numbers_ == numbers; });
  }

  Mutex mu_;
  CondVar changed_;
  std::vector<uint64_t> numbers_;
  std::vector<uint64_t> nobody_;
  std::vector<std::string> reasons_;
  bool up_ = false;
  bool writable_ = false;
};

MeshMessage Numbered(uint64_t number, uint64_t to, size_t bytes = 0) {
  MeshMessage message;
  message.set_number(number);
  message.set_to(to);
  message.set_part(std::string(bytes, 'x'));
  return message;
}

std::string ByTls(const test::NatsServer& server) {
  const std::string url = server.url();
  return "tls://localhost" + url.substr(url.rfind(':'));
}

class NatsBusTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::NatsServer::Installed()) GTEST_SKIP() << "no nats-server: apt install nats-server";
    server_ = std::make_unique<test::NatsServer>();
  }

  std::unique_ptr<NatsBus> Join(uint64_t core_id, Heard& heard,
                                std::vector<std::string> more = {}) {
    NatsOptions options;
    options.urls = {server_->url()};
    options.urls.insert(options.urls.begin(), more.begin(), more.end());
    options.fleet = "test";
    options.core_id = core_id;
    auto bus = NatsBus::Start(options, heard);
    EXPECT_TRUE(bus.ok()) << bus.status();
    EXPECT_TRUE(heard.AwaitUp());
    return *std::move(bus);
  }

  std::unique_ptr<test::NatsServer> server_;
};

TEST_F(NatsBusTest, MessagesGoToOneOrToAllOthersInOrder) {
  Heard a, b, c;
  const auto bus_a = Join(1, a), bus_b = Join(2, b), bus_c = Join(3, c);
  for (uint64_t number = 1; number <= 100; ++number)
    bus_a->Send(Numbered(number, number % 10 == 0 ? 0 : 2), {});
  bus_b->Send(Numbered(7, 1), {});
  std::vector<uint64_t> all, tens;
  for (uint64_t number = 1; number <= 100; ++number) all.push_back(number);
  for (uint64_t number = 10; number <= 100; number += 10) tens.push_back(number);
  EXPECT_TRUE(b.AwaitNumbers(all));
  EXPECT_TRUE(c.AwaitNumbers(tens));
  EXPECT_TRUE(a.AwaitNumbers({7})) << "and never its own";
}

// Both ways at once, each more than a TLS record and more than the kernel takes at once.
TEST_F(NatsBusTest, LargeMessagesGoThroughTlsInOrder) {
  const TlsFiles files;
  server_ = std::make_unique<test::NatsServer>("tls { cert_file: \"" + files.cert +
                                               "\", key_file: \"" + files.key + "\" }");
  NatsOptions options;
  options.urls = {ByTls(*server_)};
  options.fleet = "test";
  options.ca_file = files.cert;
  Heard a, b;
  options.core_id = 1;
  const auto bus_a = NatsBus::Start(options, a);
  options.core_id = 2;
  const auto bus_b = NatsBus::Start(options, b);
  ASSERT_TRUE(a.AwaitUp() && b.AwaitUp()) << a.reasons_.front();
  std::vector<uint64_t> all;
  for (uint64_t number = 1; number <= 30; ++number) {
    all.push_back(number);
    (*bus_a)->Send(Numbered(number, 2, number % 2 == 0 ? 10 : 400 << 10), {});
    (*bus_b)->Send(Numbered(number, 1, number % 2 == 0 ? 10 : 400 << 10), {});
  }
  EXPECT_TRUE(b.AwaitNumbers(all));
  EXPECT_TRUE(a.AwaitNumbers(all));
  EXPECT_EQ((*bus_a)->lost() + (*bus_b)->lost(), 0u);
}

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

// A thread that serves a bus, as the lanes' thread does.
class Host {
 public:
  explicit Host(NatsBus& bus) : bus_(bus), thread_([this] { Run(); }) {
    hosting_.get_future().wait();
  }
  ~Host() {
    ending_ = true;
    thread_.join();
  }
  size_t calls() const { return calls_; }

 private:
  void Run() {
    bus_.OnHosted(true);
    hosting_.set_value();
    bool again = false;
    while (!ending_) {
      pollfd polled = {bus_.ready_fd(), POLLIN, 0};
      if (poll(&polled, 1, again ? 0 : 5) == 0 && !again) continue;
      ++calls_;
      again = bus_.OnReady();
    }
    bus_.OnHosted(false);
  }

  NatsBus& bus_;
  std::atomic<bool> ending_{false};
  std::atomic<size_t> calls_{0};
  std::promise<void> hosting_;
  std::thread thread_;
};

TEST_F(NatsBusTest, AHostServesItAndWithoutOneItServesItself) {
  Heard a, b;
  const auto bus_a = Join(1, a), bus_b = Join(2, b);
  std::vector<uint64_t> all;
  const auto send = [&] {
    for (int i = 0; i < 100; ++i) {
      all.push_back(all.size() + 1);
      bus_a->Send(Numbered(all.size(), 2, i % 10 == 0 ? 100 << 10 : 0), {});
    }
    return b.AwaitNumbers(all);
  };
  EXPECT_TRUE(send());
  for (int i = 0; i < 3; ++i) {
    {
      const Host host(*bus_b);
      // The bus's own thread may still be at it.
      do {
        ASSERT_TRUE(send());
      } while (host.calls() == 0);
    }
    EXPECT_TRUE(send()) << "by itself";
  }
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

// Longer than a silent server has until it is left: this one answers PING.
TEST_F(NatsBusTest, AServerWithNothingToSayIsNotLeft) {
  Heard a, b;
  const auto bus_a = Join(1, a), bus_b = Join(2, b);
  const Host host(*bus_b);
  EXPECT_FALSE(a.Await([&] { return !a.reasons_.empty(); }, absl::Milliseconds(1'600)));
  EXPECT_TRUE(b.AwaitUp() && b.reasons_.empty());
}

TEST_F(NatsBusTest, ACoreThatIsGoneIsTold) {
  Heard a, b;
  const auto bus_a = Join(1, a);
  auto bus_b = Join(2, b);
  bus_a->Send(Numbered(1, 2), {});
  ASSERT_TRUE(b.AwaitNumbers({1}));
  ASSERT_FALSE(a.Await([&a] { return !a.nobody_.empty(); }, absl::ZeroDuration()));
  bus_b.reset();
  // The server sees a moment later that the connection is closed: until then it takes messages for
  // it.
  bool told = false;
  for (uint64_t number = 2; !told && number < 2'000; ++number) {
    bus_a->Send(Numbered(number, 2), {});
    told = a.Await([&a] { return !a.nobody_.empty(); }, absl::Milliseconds(10));
  }
  const MutexLock lock(a.mu_);
  EXPECT_THAT(a.nobody_, testing::Each(2));
  EXPECT_TRUE(told);
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

TEST_F(NatsBusTest, ALameDuckIsLeftForAnother) {
  test::NatsServer other;
  Heard a;
  const auto bus = Join(1, a, {other.url()});
  other.LameDuck();
  ASSERT_TRUE(a.Await([&a] { return !a.reasons_.empty(); }));
  EXPECT_THAT(a.reasons_.front(), HasSubstr("about to end"));
  EXPECT_TRUE(a.AwaitUp());
}

TEST_F(NatsBusTest, FullQueueIsNotWritableAndSaysWhenItIs) {
  Heard a, b;
  const auto bus = Join(1, a), bus_b = Join(2, b);
  server_->Hang();
  int sent = 0;
  // The kernel takes some of it.
  while (bus->Writable() && sent < 10'000)
    bus->Send(Numbered(static_cast<uint64_t>(++sent), 2, 500 << 10), {});
  EXPECT_LT(sent, 10'000);
  server_->GoOn();
  EXPECT_TRUE(a.Await([&a] { return a.writable_; }));
  EXPECT_TRUE(a.AwaitUp());
}

TEST(NatsBusOptionsTest, KeyFilesAreLookedAtBeforeAnythingElse) {
  Heard heard;
  NatsOptions options;
  options.urls = {"nats://127.0.0.1:1"};
  options.fleet = "test";
  options.nkey_file = "/nonexistent";
  EXPECT_THAT(std::string(NatsBus::Start(options, heard).status().message()),
              HasSubstr("/nonexistent"));
}

}  // namespace
}  // namespace cairn::core

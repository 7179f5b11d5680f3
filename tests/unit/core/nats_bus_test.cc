#include "core/nats_bus.h"

#include <absl/strings/match.h>
#include <absl/time/time.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_annotations.h"
#include "tests/support/nats_bus_fixture.h"
#include "tests/support/nats_server.h"
#include "tests/support/tls_files.h"

namespace cairn::core {
namespace {

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
    bus_a->Send(Numbered(number, 2, number % 2 == 0 ? 10 : 400 << 10), {});
    bus_b->Send(Numbered(number, 1, number % 2 == 0 ? 10 : 400 << 10), {});
  }
  EXPECT_TRUE(b.AwaitNumbers(all));
  EXPECT_TRUE(a.AwaitNumbers(all));
  EXPECT_EQ(bus_a->lost() + bus_b->lost(), 0u);
}

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

TEST_F(NatsBusTest, WhatAHostsThreadSendsLeavesWhenItsTurnEnds) {
  Heard a, b;
  const auto bus_a = Join(1, a), bus_b = Join(2, b);
  bus_a->OnHosted(true);
  for (uint64_t number = 1; number <= 3; ++number) bus_a->Send(Numbered(number, 2), {});
  EXPECT_TRUE(bus_a->Writable());
  EXPECT_FALSE(b.Await([&b] { return !b.numbers_.empty(); }, absl::Milliseconds(20)));
  bus_a->OnTurnEnds();
  EXPECT_TRUE(b.AwaitNumbers({1, 2, 3}));
  bus_a->Send(Numbered(4, 2), {});
  std::thread([&bus_a] { bus_a->Send(Numbered(5, 2), {}); }).join();
  EXPECT_TRUE(b.AwaitNumbers({1, 2, 3, 4, 5})) << "another thread waits for nobody's turn";
  for (uint64_t number = 6; number <= 8; ++number) bus_a->Send(Numbered(number, 2, 40 << 10), {});
  EXPECT_TRUE(b.AwaitNumbers({1, 2, 3, 4, 5, 6, 7})) << "so much does not wait";
  bus_a->OnHosted(false);
  EXPECT_TRUE(b.AwaitNumbers({1, 2, 3, 4, 5, 6, 7, 8}));
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

TEST_F(NatsBusTest, AFileThatCannotBeUsedIsNamedAndReadAgain) {
  NatsOptions options;
  options.urls = {server_->url()};
  options.fleet = "test";
  options.core_id = 1;
  options.nkey_file = testing::TempDir() + "nats_bus_test." + std::to_string(getpid());
  Heard a;
  const auto bus = NatsBus::Start(options, a);
  const auto last_has = [&a](const char* text) {
    return a.Await(
        [&] { return !a.reasons_.empty() && absl::StrContains(a.reasons_.back(), text); });
  };
  EXPECT_TRUE(last_has(options.nkey_file.c_str()));
  // As in nkey_test.cc.
  std::ofstream(options.nkey_file) << "SUAJGGKBJ5432YSTBRPWFTUNJTSU2PVGVFN33IL2WMF2XU22FBXGWAPJ6A";
  EXPECT_TRUE(last_has("asks nobody for a key"));
  unlink(options.nkey_file.c_str());
}

}  // namespace
}  // namespace cairn::core

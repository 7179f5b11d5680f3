#include "edge/handover.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "edge/listener.h"
#include "tests/support/fake_clock.h"

namespace cairn::edge {
namespace {

class HandoverTest : public testing::Test {
 protected:
  // `count` more sockets on the port.
  std::vector<Listener> Open(int count) {
    std::vector<Listener> listeners;
    for (int i = 0; i < count; ++i) {
      absl::StatusOr<Listener> listener = Listener::Open(address_, clock_);
      EXPECT_TRUE(listener.ok()) << listener.status();
      address_ = listener->address();
      listeners.push_back(*std::move(listener));
    }
    return listeners;
  }

  // Blocks until the handshake is done; the connection may be reset later.
  UniqueFd Connect() {
    UniqueFd fd(socket(address_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(fd.get(), address_.get(), address_.size()), 0) << std::strerror(errno);
    return fd;
  }

  static int AcceptAll(std::vector<Listener>& listeners) {
    int accepted = 0;
    for (Listener& listener : listeners) {
      while (listener.Accept()) ++accepted;
    }
    return accepted;
  }

  FakeClock clock_;
  SocketAddress address_ = *SocketAddress::Parse("127.0.0.1:0");
};

TEST_F(HandoverTest, ThereIsNothingToDoForTheOnlyOneOnThePort) {
  const std::vector<Listener> own = Open(2);
  EXPECT_FALSE(Handover::ToLaterSockets(address_, 2).has_value());
}

TEST_F(HandoverTest, WorksForIpv6) {
  address_ = *SocketAddress::Parse("[::1]:0");
  if (!Listener::Open(address_, clock_).ok()) GTEST_SKIP() << "this machine has no IPv6";
  std::vector<Listener> own = Open(2), others = Open(2);
  const auto handover = Handover::ToLaterSockets(address_, 2);
  ASSERT_TRUE(handover.has_value());
  handover->Begin(own[0].fd());
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(Connect());
  EXPECT_EQ(AcceptAll(others), 100);
}

TEST_F(HandoverTest, NewConnectionsGoToEachOfTheOthers) {
  std::vector<Listener> own = Open(3), others = Open(2);
  const auto handover = Handover::ToLaterSockets(address_, 3);
  ASSERT_TRUE(handover.has_value());
  handover->Begin(own[1].fd());
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(Connect());
  EXPECT_EQ(AcceptAll(own), 0);
  for (Listener& listener : others) EXPECT_TRUE(listener.Accept().has_value());
}

// In whatever order the own sockets are closed, and with more, fewer or as many of the others'.
TEST_F(HandoverTest, NoneOfTheOwnGetsAnythingWhileTheyAreClosed) {
  for (const int other_count : {2, 3, 5}) {
    for (const bool backwards : {false, true}) {
      address_ = *SocketAddress::Parse("127.0.0.1:0");
      std::vector<Listener> own = Open(2), others = Open(other_count);
      const auto handover = Handover::ToLaterSockets(address_, 2);
      ASSERT_TRUE(handover.has_value());
      handover->Begin(own[0].fd());
      if (backwards) std::swap(own[0], own[1]);
      std::vector<UniqueFd> clients;
      while (!own.empty()) {
        handover->BeforeClose(own.back().fd());
        for (int i = 0; i < 50; ++i) clients.push_back(Connect());
        EXPECT_EQ(AcceptAll(own), 0);
        own.pop_back();
      }
      // Now as before: the kernel spreads by its hash.
      EXPECT_EQ(AcceptAll(others), 100);
      for (int i = 0; i < 200; ++i) clients.push_back(Connect());
      for (Listener& listener : others) EXPECT_TRUE(listener.Accept().has_value());
    }
  }
}

}  // namespace
}  // namespace cairn::edge

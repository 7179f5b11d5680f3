#include "edge/handover.h"

#include <gtest/gtest.h>
#include <poll.h>
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

  // Does not wait for the other side, which may have answered by then all the same.
  UniqueFd BeginToConnect() {
    UniqueFd fd(socket(address_.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const bool done = connect(fd.get(), address_.get(), address_.size()) == 0;
    EXPECT_TRUE(done || errno == EINPROGRESS) << std::strerror(errno);
    return fd;
  }
  // The whole handover, from all own sockets.
  void HandOver(std::vector<Listener> own) {
    const auto handover = Handover::ToLaterSockets(address_, static_cast<uint32_t>(own.size()));
    ASSERT_TRUE(handover.has_value());
    handover->Begin(own.front().fd());
    for (Listener& listener : own) {
      handover->BeforeClose(listener.fd());
      handover->Leave(listener.fd());
      listener.Close();
    }
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
        handover->Leave(own.back().fd());
        own.pop_back();
      }
      // Now as before: the kernel spreads by its hash.
      EXPECT_EQ(AcceptAll(others), 100);
      for (int i = 0; i < 200; ++i) clients.push_back(Connect());
      for (Listener& listener : others) EXPECT_TRUE(listener.Accept().has_value());
    }
  }
}

// The sockets of a process that starts after a handover are as good as those that were there.
TEST_F(HandoverTest, AHandoverSaysNothingAboutProcessesThatComeLater) {
  std::vector<Listener> first = Open(2), second = Open(2);
  HandOver(std::move(first));
  for (int process = 3; process <= 4; ++process) {
    std::vector<Listener> third = Open(2);
    std::vector<UniqueFd> clients;
    for (int i = 0; i < 200; ++i) clients.push_back(Connect());
    for (auto* both : {&second, &third}) {
      for (Listener& listener : *both) {
        EXPECT_TRUE(listener.Accept().has_value()) << "one gets nothing, with process " << process;
        while (listener.Accept()) {
        }
      }
    }
    HandOver(std::move(second));
    second = std::move(third);
  }
}

TEST_F(HandoverTest, ASocketThatLeavesDropsWhatItGetsUntilItIsClosed) {
  std::vector<Listener> own = Open(2), others = Open(2);
  const auto handover = Handover::ToLaterSockets(address_, 2);
  ASSERT_TRUE(handover.has_value());
  handover->Begin(own[0].fd());
  for (Listener& listener : own) handover->BeforeClose(listener.fd());
  for (Listener& listener : own) handover->Leave(listener.fd());
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(BeginToConnect());
  EXPECT_EQ(AcceptAll(own), 0);
  own.clear();
  // What has not been answered is sent again.
  for (int wanted = 100 - AcceptAll(others); wanted > 0; wanted -= AcceptAll(others)) {
    pollfd waits[] = {{others[0].fd(), POLLIN, 0}, {others[1].fd(), POLLIN, 0}};
    ASSERT_GT(poll(waits, 2, 10'000), 0) << wanted << " are lost";
  }
}

}  // namespace
}  // namespace cairn::edge

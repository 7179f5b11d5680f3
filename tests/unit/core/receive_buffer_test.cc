#include "core/receive_buffer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <string>

#include "base/unique_fd.h"

namespace cairn::core {
namespace {

// A TCP connection of this machine.
class ReceiveBufferTest : public ::testing::Test {
 protected:
  ReceiveBufferTest() {
    const UniqueFd listener(socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener.get(), any, size), 0);
    EXPECT_EQ(listen(listener.get(), 1), 0);
    EXPECT_EQ(getsockname(listener.get(), any, &size), 0);
    EXPECT_EQ(connect(sender_.get(), any, size), 0);
    receiver_ = UniqueFd(accept(listener.get(), nullptr, nullptr));
  }

  int Get(int option, int level = SOL_SOCKET) const {
    int value = -1;
    socklen_t size = sizeof value;
    getsockopt(receiver_.get(), level, option, &value, &size);
    return value;
  }
  UniqueFd sender_{socket(AF_INET, SOCK_STREAM, 0)}, receiver_;
};

TEST_F(ReceiveBufferTest, OfANarrowOneLittleCanWait) {
  const int before = Get(SO_RCVBUF);
  ReceiveBuffer::Narrow(receiver_.get());
  EXPECT_LE(Get(SO_RCVBUF), 8 << 10);
  EXPECT_LT(Get(SO_RCVBUF), before);
}

TEST_F(ReceiveBufferTest, AWideOneGrowsAgainAsTheKernelLikes) {
  const int before = Get(SO_RCVBUF);
  ReceiveBuffer::Narrow(receiver_.get());
  EXPECT_NE(Get(SO_BUF_LOCK), 0);
  ReceiveBuffer::Widen(receiver_.get());
  EXPECT_GE(Get(SO_RCVBUF), before);
  EXPECT_EQ(Get(SO_BUF_LOCK), 0) << "by its own measure";
}

TEST_F(ReceiveBufferTest, WhatCameWhileItWasNarrowDoesNotBoundTheWindowOfAWideOne) {
  ReceiveBuffer::Narrow(receiver_.get());
  const std::string burst(20'000, 'x');
  ASSERT_EQ(send(sender_.get(), burst.data(), burst.size(), 0), 20'000);
  std::string received(burst.size(), '\0');
  ASSERT_GT(recv(receiver_.get(), received.data(), received.size(), 0), 0);
  ReceiveBuffer::Widen(receiver_.get());
  EXPECT_GE(Get(TCP_WINDOW_CLAMP, IPPROTO_TCP), 64 << 10);
}

}  // namespace
}  // namespace cairn::core

#include "core/receive_buffer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

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

  int Get(int option) const {
    int value = -1;
    socklen_t size = sizeof value;
    getsockopt(receiver_.get(), SOL_SOCKET, option, &value, &size);
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

}  // namespace
}  // namespace cairn::core

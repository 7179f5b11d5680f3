#include "core/nats_connection.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "base/unique_fd.h"

namespace cairn::core {
namespace {

using signaling::v1::MeshMessage;

NatsOptions Options() {
  NatsOptions options;
  options.fleet = "f";
  options.core_id = 0xab;
  return options;
}

class NatsConnectionTest : public testing::Test {
 protected:
  NatsConnectionTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    server_ = UniqueFd(ends[1]);
    connection_.emplace(LaneSocket(UniqueFd(ends[0])), subjects_);
  }
  std::string Received() {
    std::string all(1 << 20, '\0');
    const ssize_t bytes = recv(server_.get(), all.data(), all.size(), 0);
    all.resize(bytes < 0 ? 0 : static_cast<size_t>(bytes));
    return all;
  }

  const NatsSubjects subjects_{Options()};
  UniqueFd server_;
  std::optional<NatsConnection> connection_;
};

TEST_F(NatsConnectionTest, WhatTheKernelDoesNotTakeIsSentLaterAndInOrder) {
  const std::string items(300'000, 'x');
  std::string sent, received;
  for (int i = 0; i < 10; ++i) {
    connection_->Publish(MeshMessage(), items);
    connection_->Flush();
    sent += "PUB sg.f.all 300000\r\n" + items + "\r\n";
  }
  EXPECT_GT(connection_->unsent_bytes(), 0u);
  EXPECT_EQ(connection_->wanted_epoll_events(), uint32_t{EPOLLIN | EPOLLOUT});
  while (received.size() < sent.size()) {
    const std::string more = Received();
    ASSERT_FALSE(more.empty());
    received += more;
    connection_->Flush();
  }
  EXPECT_EQ(received, sent);
  EXPECT_EQ(connection_->unsent_bytes(), 0u);
  EXPECT_EQ(connection_->wanted_epoll_events(), uint32_t{EPOLLIN});
}

TEST_F(NatsConnectionTest, AConnectionThatCannotBeWrittenEndsForWhoReadsToo) {
  server_.Reset();
  connection_->Ping();
  connection_->Flush();
  EXPECT_EQ(connection_->unsent_bytes(), 0u);
  std::array<char, 10> room{};
  size_t bytes = 0;
  EXPECT_EQ(connection_->Receive(room, bytes), LaneSocket::Status::kEnd);
}

}  // namespace
}  // namespace cairn::core

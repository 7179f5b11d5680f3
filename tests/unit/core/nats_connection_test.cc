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

TEST_F(NatsConnectionTest, AMessageToOneCoreAsksWhetherAnybodyIsThere) {
  MeshMessage head;
  head.set_to(0x12);
  const std::string items = "items";
  connection_->Publish(head, items);
  connection_->Ping();
  connection_->Pong();
  connection_->Flush();
  const std::string bytes = head.SerializeAsString() + items;
  EXPECT_EQ(Received(), "PUB sg.f.c.0000000000000012 sg.f.n.00000000000000ab.0000000000000012 " +
                            std::to_string(bytes.size()) + "\r\n" + bytes + "\r\nPING\r\nPONG\r\n");
  EXPECT_EQ(connection_->unsent_bytes(), 0u);
}

TEST_F(NatsConnectionTest, AMessageToAllDoesNot) {
  connection_->Publish(MeshMessage(), "");
  connection_->Flush();
  EXPECT_EQ(Received(), "PUB sg.f.all 0\r\n\r\n");
}

TEST_F(NatsConnectionTest, AnAnswerTellsOfWhichCore) {
  EXPECT_EQ(subjects_.answers(), "sg.f.n.00000000000000ab.*");
  EXPECT_EQ(subjects_.inbox(), "sg.f.c.00000000000000ab");
  EXPECT_EQ(subjects_.CoreOf("sg.f.n.00000000000000ab.0000000000000012"), 0x12u);
  for (const char* other : {"sg.f.n.00000000000000ab.", "sg.f.n.00000000000000ab.x", "sg.f.all",
                            "sg.f.n.00000000000000ac.0000000000000012"}) {
    EXPECT_EQ(subjects_.CoreOf(other), std::nullopt) << other;
  }
}

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

// A connection whose client reads late, over a plain socket and over TLS.
#include "edge/connection.h"

#include <gmock/gmock.h>

#include "tests/support/connection_fixture.h"

namespace cairn::edge {
namespace {

std::string Frame(wire::WsOpcode opcode, std::string_view payload) {
  std::string frame;
  wire::AppendWsFrame(opcode, payload, frame);
  return frame;
}

INSTANTIATE_TEST_SUITE_P(Sockets, ConnectionTest, testing::Bool(),
                         [](const auto& tls) { return tls.param ? "Tls" : "Plain"; });

TEST_P(ConnectionTest, WhoReadsLateAndPingsGetsEveryFrameAndItsPongs) {
  Open();
  std::string delivered;
  for (int i = 0; i < 200; ++i) {
    const std::string frame =
        Frame(wire::WsOpcode::kBinary, std::string(4000, static_cast<char>('a' + i % 26)));
    delivered += frame;
    connection_->Deliver(frame);
    Settle();
    if (i % 50 == 25) Send(ClientFrame(wire::WsOpcode::kPing, "late"));
  }
  ASSERT_GT(connection_->queued_bytes(), 100'000u) << "the client has not been blocked";
  std::string received = ReceiveAll();
  const std::string pong = Frame(wire::WsOpcode::kPong, "late");
  int pongs = 0;
  for (size_t at; (at = received.find(pong)) != received.npos; ++pongs)
    received.erase(at, pong.size());
  EXPECT_EQ(pongs, 4);
  EXPECT_TRUE(received == delivered);
  EXPECT_FALSE(retired_);
}

TEST_P(ConnectionTest, WhoIsOverItsBoundReadsWhatHadBegunToLeaveAndThen1013) {
  limits_.max_queued_bytes = 100'000;
  Open();
  std::string delivered;
  for (int i = 0; i < 200; ++i) {
    const std::string frame =
        Frame(wire::WsOpcode::kBinary, std::string(4000, static_cast<char>('a' + i % 26)));
    delivered += frame;
    connection_->Deliver(frame);
    Settle();
  }
  EXPECT_EQ(Closes(CloseReason::kSlowReader), 1u);
  const std::string received = ReceiveAll();
  std::string close;
  wire::AppendWsClose(1013, "slow_reader", close);
  ASSERT_GE(received.size(), close.size());
  const std::string before = received.substr(0, received.size() - close.size());
  EXPECT_EQ(received.substr(before.size()), close);
  EXPECT_EQ(before, delivered.substr(0, before.size()));
  EXPECT_EQ(Closes(CloseReason::kConnectionLost), 0u);
}

// TLS 1.3 alone: an answer to the client's KeyUpdate must be written before it can be read on.
TEST_P(ConnectionTest, WhoAsksForNewKeysAndDoesNotReadIsNotReadWithoutEnd) {
  if (!GetParam()) GTEST_SKIP() << "TLS only";
  Open();
  for (int i = 0; i < 2000; ++i) {
    if (SSL_key_update(client_ssl_.get(), SSL_KEY_UPDATE_REQUESTED) != 1) break;
    if (SSL_do_handshake(client_ssl_.get()) != 1) break;
    int turns = 0;
    while (Turn()) ASSERT_LT(++turns, 100) << "woken again and again after " << i;
  }
  EXPECT_FALSE(retired_);
}

TEST_P(ConnectionTest, WhoAsksForNewKeysWhileAWriteIsBlockedLosesNothing) {
  if (!GetParam()) GTEST_SKIP() << "TLS only";
  Open();
  std::string delivered;
  for (int i = 0; i < 100; ++i) {
    const std::string frame =
        Frame(wire::WsOpcode::kBinary, std::string(4000, static_cast<char>('a' + i % 26)));
    delivered += frame;
    connection_->Deliver(frame);
    Settle();
  }
  // One: OpenSSL 3.0 fails a connection that asks again before the first answer could be written.
  ASSERT_EQ(SSL_key_update(client_ssl_.get(), SSL_KEY_UPDATE_REQUESTED), 1);
  ASSERT_EQ(SSL_do_handshake(client_ssl_.get()), 1);
  int turns = 0;
  while (Turn()) ASSERT_LT(++turns, 100) << "woken again and again";
  const std::string received = ReceiveAll();
  EXPECT_TRUE(received == delivered) << received.size() << " of " << delivered.size();
  EXPECT_FALSE(retired_);
}

}  // namespace
}  // namespace cairn::edge

// A connection whose client reads late, over a plain socket and over TLS.
#include "edge/connection.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/client_hello.h"
#include "tests/support/connection_fixture.h"
#include "tests/support/server_frames.h"

namespace cairn::edge {
namespace {

INSTANTIATE_TEST_SUITE_P(Sockets, ConnectionTest, testing::Bool(),
                         [](const auto& tls) { return tls.param ? "Tls" : "Plain"; });

TEST_P(ConnectionTest, AClientThatReadsLateGetsEveryFrameAndItsPongs) {
  Open();
  const std::string delivered = DeliverFrames(200, [this](int i) {
    if (i % 50 == 25) Send(ClientFrame(wire::WsOpcode::kPing, "late"));
  });
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

TEST_P(ConnectionTest, ASlowReaderGetsTheBegunFrameAndThen1013) {
  limits_.max_queued_bytes = 100'000;
  Open();
  const std::string delivered = DeliverFrames(200);
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

// They come together and are more than may be queued, but the socket accepts most of them.
TEST_P(ConnectionTest, FramesBeyondTheBoundAreWrittenOneAfterTheOther) {
  Open();
  std::string frames;
  for (int i = 0; i < 10; ++i) frames += Frame(wire::WsOpcode::kBinary, std::string(400, 'f'));
  limits_.max_queued_bytes = frames.size() / 2;
  connection_->Deliver(frames);
  Settle();
  EXPECT_EQ(Closes(CloseReason::kSlowReader), 0u);
  EXPECT_TRUE(ReceiveAll() == frames);
}

TEST_P(ConnectionTest, MessagesAboveTheRateAreHandledLaterInOrder) {
  host_.message_rate = {10, 20};
  Open();
  std::string said;
  for (int i = 0; i < 50; ++i) said += RelayFrame("topic", std::to_string(i));
  Send(said);
  const auto heard = [this] {
    lane_.Flush();
    std::vector<std::string> payloads;
    for (const signaling::v1::LaneEvent& event : link_.TakeEvents()) {
      if (!event.payload().empty()) payloads.push_back(event.payload());
    }
    return payloads;
  };
  std::vector<std::string> all = heard();
  EXPECT_EQ(all.size(), 20u);
  EXPECT_EQ(pressure_.awaiting_tokens(), 1u);
  while (TakeTurn()) {
  }
  EXPECT_TRUE(heard().empty()) << "it is not read meanwhile";
  for (int second = 1; second <= 3; ++second) {
    EXPECT_FALSE(connection_->ResumeWithTokens());
    clock_.Advance(absl::Seconds(1));
    connection_->ResumeWithTokens();
    Settle();
    for (const std::string& payload : heard()) all.push_back(payload);
    EXPECT_EQ(all.size(), 20u + 10u * static_cast<size_t>(second));
  }
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], std::to_string(i));
  clock_.Advance(absl::Seconds(10));
  EXPECT_TRUE(connection_->ResumeWithTokens());
  Send(RelayFrame("topic", "after"));
  EXPECT_EQ(heard(), std::vector<std::string>{"after"});
  EXPECT_EQ(pressure_.queued(), 0u) << "nothing is kept";
}

TEST_P(ConnectionTest, UnhandledInputAboveTheRateCountsAsAQueue) {
  host_.message_rate = {10, 20};
  Open();
  std::string said;
  for (int i = 0; i < 30; ++i) said += RelayFrame("topic", std::string(50, 'p'));
  Send(said);
  EXPECT_GT(pressure_.queued(), 500u);
  EXPECT_TRUE(connection_->holds_queue());
  connection_->GiveUpQueue();
  Settle();
  EXPECT_EQ(Closes(CloseReason::kQueuesFull), 1u);
}

TEST_P(ConnectionTest, AMessageThatIsNeverWholeCountsAsAQueueAndTheLongestGoes) {
  limits_.max_message_bytes = 2 * kMaxQueued;
  Open();
  const std::string message = ClientFrame(wire::WsOpcode::kBinary, std::string(3 * kMaxQueued / 2, 'x'));
  Send(message.substr(0, kMaxQueued / 4));
  EXPECT_GE(pressure_.queued(), kMaxQueued / 4);
  EXPECT_EQ(Closes(CloseReason::kQueuesFull), 0u);
  Send(message.substr(kMaxQueued / 4, kMaxQueued));
  EXPECT_EQ(Closes(CloseReason::kQueuesFull), 1u);
  Settle();
  EXPECT_EQ(pressure_.queued(), 0u);
}

TEST_P(ConnectionTest, APingThatWasNotAnsweredWhileReadingPausedIsForgiven) {
  host_.message_rate = {10, 20};
  Open();
  connection_->OnDeadline();
  Settle();
  Send(ClientFrame(wire::WsOpcode::kPong, ""));
  connection_->OnDeadline();
  Settle();
  std::string said;
  for (int i = 0; i < 50; ++i) said += RelayFrame("topic", std::to_string(i));
  // Its pong is behind all that it says.
  Send(said + ClientFrame(wire::WsOpcode::kPong, ""));
  clock_.Advance(absl::Seconds(5));
  EXPECT_TRUE(connection_->ResumeWithTokens());
  connection_->OnDeadline();
  EXPECT_EQ(Closes(CloseReason::kPongTimeout), 0u);
  Settle();
  connection_->OnDeadline();
  EXPECT_EQ(Closes(CloseReason::kPongTimeout), 0u) << "it has answered the first, and reads again";
}

TEST_P(ConnectionTest, AClientAboveTheDeliveryRateIsReadLater) {
  host_.delivery_rate = {1000, 2000};
  Open();
  connection_->Charge(2000);
  EXPECT_TRUE(connection_->watched() & EPOLLIN);
  connection_->Charge(500);
  EXPECT_FALSE(connection_->watched() & EPOLLIN);
  EXPECT_EQ(counters_.delivery_pauses.Get(), 1u);
  EXPECT_EQ(counters_.rate_pauses.Get(), 0u);
  EXPECT_EQ(pressure_.awaiting_tokens(), 1u);
  connection_->Charge(500);
  EXPECT_EQ(counters_.delivery_pauses.Get(), 1u) << "it waits already";
  clock_.Advance(absl::Milliseconds(999));
  EXPECT_FALSE(connection_->ResumeWithTokens());
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(connection_->ResumeWithTokens());
  EXPECT_TRUE(connection_->watched() & EPOLLIN);
  host_.delivery_rate = {};
  connection_->Charge(1'000'000);
  EXPECT_TRUE(connection_->watched() & EPOLLIN) << "no limit";
}

TEST_P(ConnectionTest, ATurnHandlesABoundedPartOfAClientsInputAndTheRestLaterInOrder) {
  Open();
  std::string said;
  constexpr size_t kRelays = 2000;
  for (size_t i = 0; i < kRelays; ++i) said += RelayFrame("t", std::to_string(i));
  const std::string_view all = said;
  turn_.End();
  if (client_ssl_) {
    ASSERT_EQ(SSL_write(client_ssl_.get(), all.data(), 16'000), 16'000);
  } else {
    ASSERT_EQ(send(client_fd_, all.data(), 16'000, 0), 16'000);
  }
  connection_->OnSocketReady(EPOLLIN);
  EXPECT_GE(turn_.heard(), kHearingPerConnection);
  EXPECT_LE(turn_.heard(), kHearingPerConnection + BinaryWork(0));
  EXPECT_EQ(turn_.awaiting(), 1u);
  EXPECT_GT(pressure_.queued(), 0u) << "what waits is counted";
  connection_->OnSocketReady(EPOLLIN);
  EXPECT_EQ(turn_.awaiting(), 1u) << "not read meanwhile";
  Settle();
  Send(all.substr(16'000));
  lane_.Flush();
  size_t heard = 0;
  for (const signaling::v1::LaneEvent& event : link_.TakeEvents()) {
    if (event.kind() != signaling::v1::LaneEvent::KIND_RELAYED) continue;
    ASSERT_EQ(event.payload(), std::to_string(heard++));
  }
  EXPECT_EQ(heard, kRelays);
  EXPECT_EQ(pressure_.queued(), 0u);
}

TEST_P(ConnectionTest, AClientThatOnlyUpdatesItsKeysIsCut) {
  if (!GetParam()) GTEST_SKIP() << "TLS only";
  Open();
  int updates = 0;
  for (; updates < 2000 && !retired_; ++updates) {
    if (SSL_key_update(client_ssl_.get(), SSL_KEY_UPDATE_REQUESTED) != 1) break;
    if (SSL_do_handshake(client_ssl_.get()) != 1) break;
    int turns = 0;
    while (TakeTurn()) ASSERT_LT(++turns, 100) << "woken again and again after " << updates;
  }
  EXPECT_TRUE(retired_);
  EXPECT_EQ(updates, TlsRecords::kMaxIdleRecords + 1);
}

TEST_P(ConnectionTest, AKeyUpdateWhileAWriteIsBlockedLosesNothing) {
  if (!GetParam()) GTEST_SKIP() << "TLS only";
  Open();
  const std::string delivered = DeliverFrames(100);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(SSL_key_update(client_ssl_.get(), SSL_KEY_UPDATE_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(client_ssl_.get()), 1);
  }
  int turns = 0;
  while (TakeTurn()) ASSERT_LT(++turns, 100) << "woken again and again";
  const std::string received = ReceiveAll();
  EXPECT_TRUE(received == delivered) << received.size() << " of " << delivered.size();
  EXPECT_FALSE(retired_);
}

// One step has been made for the first of them already; the other was there before the next one.
TEST_P(ConnectionTest, WhoBeginsAHandshakeWithOneByteDoesNotComeBeforeOthers) {
  if (!GetParam()) GTEST_SKIP() << "TLS only";
  const std::string hello = ClientHello();
  Connect();
  ASSERT_EQ(send(client_fd_, hello.data(), 1, 0), 1);
  ASSERT_TRUE(TakeTurn());
  UniqueFd other_client;
  const std::unique_ptr<Connection> other = NewConnection(other_client);
  const auto size = static_cast<ssize_t>(hello.size());
  ASSERT_EQ(send(other_client.get(), hello.data(), hello.size(), 0), size);
  other->OnSocketReady(EPOLLIN);
  ASSERT_EQ(send(client_fd_, hello.data() + 1, hello.size() - 1, 0), size - 1);
  connection_->OnSocketReady(EPOLLIN);
  turn_.NoteHeard(kHearingPerTurn);
  turn_.TakeTurns();  // for one of them
  char answer;
  EXPECT_EQ(recv(other_client.get(), &answer, 1, 0), 1);
  EXPECT_LT(recv(client_fd_, &answer, 1, 0), 0);
  turn_.TakeTurns();
  EXPECT_EQ(recv(client_fd_, &answer, 1, 0), 1);
}

TEST_P(ConnectionTest, AClientThatHasLeftBeforeItsTurnCostsNoHandshake) {
  if (!GetParam()) GTEST_SKIP() << "TLS only";
  const std::string hello = ClientHello();
  Connect();
  ASSERT_EQ(send(client_fd_, hello.data(), hello.size(), 0), static_cast<ssize_t>(hello.size()));
  shutdown(client_fd_, SHUT_WR);
  ASSERT_TRUE(TakeTurn());
  EXPECT_TRUE(retired_);
  EXPECT_EQ(Closes(CloseReason::kTlsFailed), 1u);
  char answer;
  EXPECT_LT(recv(client_fd_, &answer, 1, 0), 0) << "it was answered";
}

}  // namespace
}  // namespace cairn::edge

#include "edge/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/client_frames.h"
#include "tests/support/session_fixture.h"

namespace cairn::edge {
namespace {

using signaling::v1::LaneEvent;
using testing::ElementsAre;
using testing::IsEmpty;
using wire::WsOpcode;

TEST_F(SessionTest, JoinsTheLaneAndLeavesItForTheReasonGiven) {
  EXPECT_EQ(counters_.upgraded.Get(), 1u);
  EXPECT_EQ(lane_.member_count(), 1u);
  session_->End(1013, "slow_reader");
  session_.reset();
  lane_.Flush();
  const std::vector<LaneEvent> events = link_.TakeEvents();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind(), LaneEvent::KIND_PEER_CLOSED);
  EXPECT_EQ(events[0].close_code(), 1013u);
  EXPECT_EQ(events[0].close_reason(), "slow_reader");
  EXPECT_EQ(lane_.member_count(), 0u);
}

TEST_F(SessionTest, WithoutAReasonItWasLost) {
  session_.reset();
  lane_.Flush();
  const std::vector<LaneEvent> events = link_.TakeEvents();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].close_code(), 0u);
  EXPECT_EQ(events[0].close_reason(), "connection_lost");
}

TEST_F(SessionTest, HandsSubscribeUnsubscribeAndRelayToTheLaneInTheirOrder) {
  Receive(SubscribeFrame("t") + RelayFrame("t", "one") + UnsubscribeFrame("t") +
          RelayFrame("u", "two"));
  EXPECT_THAT(Said(),
              ElementsAre("SUBSCRIBED t", "RELAYED t one", "UNSUBSCRIBED t", "RELAYED u two"));
  EXPECT_THAT(client_.frames, IsEmpty()) << "the server answered";
  EXPECT_FALSE(client_.closed);
}

TEST_F(SessionTest, CountsDataMessagesAndTheirBytes) {
  lane_.SetReadTime(777);
  Receive(SubscribeFrame("t") + ClientFrame(WsOpcode::kPing, "ping") + RelayFrame("t", "p"));
  ReceiveBinary("no message");
  lane_.Report(false);
  lane_.Flush();
  ASSERT_EQ(link_.submitted.size(), 1u);
  EXPECT_EQ(link_.submitted[0].stats().messages_in(), 3u);
  const LaneEvent& event = *link_.submitted[0].events().rbegin();
  ASSERT_EQ(event.kind(), LaneEvent::KIND_PEER_STATS);
  EXPECT_EQ(event.stats().messages_in(), 2u) << "those that could be read";
  EXPECT_EQ(event.stats().bytes_in(), (SubscribeMessage("t") + RelayMessage("t", "p")).size());
  EXPECT_EQ(event.stats().last_activity_us(), 777);
  EXPECT_EQ(event.stats().dialect(), "cbor");
}

TEST_F(SessionTest, CutsBetweenBytesDoNotMatter) {
  const std::string bytes = SubscribeFrame("t") + ClientFrame(WsOpcode::kPing, "ping") +
                            RelayFrame("t", std::string(300, 'p')) + ClientClose(1000);
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    client_ = FakeClient();
    Open();
    for (size_t at = 0; at < bytes.size(); at += piece) Receive(bytes.substr(at, piece));
    ASSERT_THAT(Said(), ElementsAre("SUBSCRIBED t", "RELAYED t " + std::string(300, 'p')));
    ASSERT_THAT(client_.pongs_sent, ElementsAre("ping"));
    ASSERT_EQ(client_.closed, CloseReason::kClientClosed);
  }
}

TEST_F(SessionTest, AFragmentedMessageIsOneRelayAndAPingInsideIsAnsweredAtOnce) {
  const std::string message = RelayMessage("t", "payload");
  Receive(MaskedFrame(0x02, message.substr(0, 5)) + MaskedFrame(kContinuation, ""));
  EXPECT_THAT(Said(), IsEmpty());
  Receive(ClientFrame(WsOpcode::kPing, "inside"));
  EXPECT_THAT(client_.pongs_sent, ElementsAre("inside"));
  Receive(MaskedFrame(kFinal | kContinuation, message.substr(5)));
  EXPECT_THAT(Said(), ElementsAre("RELAYED t payload"));
}

TEST_F(SessionTest, PongsReachTheConnection) {
  Receive(ClientFrame(WsOpcode::kPong, "abc"));
  EXPECT_THAT(client_.pongs_received, ElementsAre("abc"));
  EXPECT_THAT(client_.pongs_sent, IsEmpty());
}

TEST_F(SessionTest, TheClientsCloseEndsItWithItsCode) {
  Receive(ClientClose(4000, "bye"));
  EXPECT_EQ(client_.closed, CloseReason::kClientClosed);
  EXPECT_EQ(client_.closed_with_peer_code, 4000);
  client_ = FakeClient();
  Open();
  Receive(ClientClose(0));
  EXPECT_EQ(client_.closed, CloseReason::kClientClosed);
  EXPECT_EQ(client_.closed_with_peer_code, 0);
}

TEST_F(SessionTest, ARelayBeforeACloseIsSentAndOneAfterItIsNot) {
  Receive(RelayFrame("t", "before") + ClientClose(1000) + RelayFrame("t", "behind") +
          ClientFrame(WsOpcode::kPing, "x"));
  Receive(RelayFrame("t", "later"));
  EXPECT_THAT(Said(), ElementsAre("RELAYED t before"));
  EXPECT_THAT(client_.pongs_sent, IsEmpty());
  EXPECT_EQ(client_.close_calls, 1);
}

TEST_F(SessionTest, ProtocolErrorsCloseWithTheirReason) {
  const struct {
    const char* what;
    std::string bytes;
    CloseReason reason;
  } rows[] = {
      {"unmasked", std::string("\x82\x01x"), CloseReason::kProtocolError},
      {"reserved bit", MaskedFrame(0xc2, "x"), CloseReason::kProtocolError},
      {"reserved opcode", MaskedFrame(0x83, "x"), CloseReason::kProtocolError},
      {"stray continuation", MaskedFrame(0x80, "x"), CloseReason::kProtocolError},
      {"message inside a message", MaskedFrame(0x02, "x") + MaskedFrame(0x82, "x"),
       CloseReason::kProtocolError},
      {"fragmented ping", MaskedFrame(0x09, "x"), CloseReason::kProtocolError},
      {"long ping", MaskedFrame(0x89, std::string(126, 'x')), CloseReason::kProtocolError},
      {"close code 1005", ClientClose(1005), CloseReason::kProtocolError},
      {"text that is not UTF-8", MaskedFrame(0x81, "\xff"), CloseReason::kBadUtf8},
      {"close reason that is not UTF-8", ClientClose(1000, "\xff"), CloseReason::kBadUtf8},
      {"big message", MaskedFrame(0x82, std::string(1001, 'x')), CloseReason::kMessageTooBig},
      {"big message in fragments",
       MaskedFrame(0x02, std::string(600, 'x')) + MaskedFrame(0x80, std::string(600, 'x')),
       CloseReason::kMessageTooBig},
  };
  for (const auto& row : rows) {
    client_ = FakeClient();
    Open();
    Receive(row.bytes);
    EXPECT_EQ(client_.closed, row.reason) << row.what;
    Receive(RelayFrame("t", "after"));
    EXPECT_THAT(Said(), IsEmpty()) << row.what;
    EXPECT_EQ(client_.close_calls, 1) << row.what;
  }
}

TEST_F(SessionTest, AMessageOfExactlyTheLimitIsRelayed) {
  const size_t overhead = RelayMessage("t", std::string(900, 'x')).size() - 900;
  const std::string payload(limits_.max_message_bytes - overhead, 'x');
  Receive(RelayFrame("t", payload));
  EXPECT_THAT(Said(), ElementsAre("RELAYED t " + payload));
}

TEST_F(SessionTest, OneTopicTooManyCloses) {
  for (const char* topic : {"a", "b", "c"}) Receive(SubscribeFrame(topic));
  Receive(SubscribeFrame("b"));
  EXPECT_FALSE(client_.closed) << "it has that topic already";
  Receive(SubscribeFrame("d") + RelayFrame("a", "after"));
  EXPECT_EQ(client_.closed, CloseReason::kTooManyTopics);
  EXPECT_THAT(Said(), ElementsAre("SUBSCRIBED a", "SUBSCRIBED b", "SUBSCRIBED c"));
}

TEST_F(SessionTest, EveryMessageWithATopicAboveTheLimitCloses) {
  const std::string longest(limits_.max_topic_bytes, 't');
  Receive(SubscribeFrame(longest) + RelayFrame(longest, "p"));
  EXPECT_FALSE(client_.closed);
  EXPECT_EQ(Said().size(), 2u);
  const std::string query = R"({"type":"query","topic":")" + longest + R"(t"})";
  for (const std::string& frame :
       {SubscribeFrame(longest + "t"), UnsubscribeFrame(longest + "t"),
        RelayFrame(longest + "t", "p"), ClientFrame(WsOpcode::kText, query)}) {
    client_ = FakeClient();
    Open();
    Receive(frame);
    EXPECT_EQ(client_.closed, CloseReason::kTopicTooLong);
    EXPECT_THAT(Said(), IsEmpty());
  }
}

TEST_F(SessionTest, AMessageThatCannotBeDecodedIsDroppedForItsReasonAndTheConnectionStays) {
  const struct {
    std::string message;
    DropReason reason;
  } rows[] = {
      {"", DropReason::kTruncated},
      {SubscribeMessage("t").substr(0, 8), DropReason::kTruncated},
      {"\xff", DropReason::kMalformed},
      {SubscribeMessage("\xff"), DropReason::kMalformed},
      {std::string(300, '\x81') + "\x01", DropReason::kNotAMessage},
      {"\x01", DropReason::kNotAMessage},
      {"\xa1\x65Hello\xa1\x65topic\x61t", DropReason::kNotAMessage},
  };
  for (const auto& row : rows) {
    const uint64_t before = Dropped(row.reason);
    ReceiveBinary(row.message);
    EXPECT_EQ(Dropped(row.reason), before + 1) << Name(row.reason);
  }
  EXPECT_FALSE(client_.closed);
  EXPECT_THAT(Said(), IsEmpty());
  Receive(SubscribeFrame("t"));
  EXPECT_THAT(Said(), ElementsAre("SUBSCRIBED t"));
}

TEST_F(SessionTest, NestingBelowAnUnknownFieldIsBounded) {
  const std::string deep = "\xa1\x69Subscribe\xa2\x65topic\x61t\x61x" + std::string(300, '\x81');
  ReceiveBinary(deep + "\x01");
  EXPECT_EQ(Dropped(DropReason::kTooDeep), 1u);
}

}  // namespace
}  // namespace cairn::edge

#include "edge/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/wire/v2_writer.h"
#include "tests/support/client_frames.h"
#include "tests/support/fake_client.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_core_link.h"

namespace cairn::edge {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneEvent;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using wire::WsOpcode;

constexpr uint64_t kPeer = 1;

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    limits_.max_message_bytes = 1000;
    limits_.max_topic_bytes = 100;
    limits_.max_topics = 3;
    lane_.Connect(&link_);
    Open();
  }

  void Open(wire::Dialect dialect = wire::Dialect::kNative) {
    session_.reset();
    Lane::PeerFacts facts;
    facts.connected_since_us = 5'000'999;
    facts.dialect = dialect;
    session_.emplace(context_, client_, kPeer, std::move(facts));
    Said();
  }
  void Receive(std::string bytes) { session_->OnBytes({bytes.data(), bytes.size()}); }
  void ReceiveText(std::string_view text) { Receive(ClientFrame(WsOpcode::kText, text)); }
  void ReceiveBinary(std::string_view data) { Receive(ClientFrame(WsOpcode::kBinary, data)); }

  // What the session has told the core since the last call: "kind topic payload".
  std::vector<std::string> Said() {
    lane_.Flush();
    std::vector<std::string> words;
    for (const LaneEvent& event : link_.TakeEvents()) {
      std::string word = LaneEvent::Kind_Name(event.kind()).substr(5) + " " + event.topic();
      words.push_back(event.payload().empty() ? word : word + " " + event.payload());
    }
    return words;
  }
  uint64_t Dropped(DropReason reason) const {
    return counters_.drops[static_cast<size_t>(reason)].Get();
  }

  FakeClock clock_;
  EdgeLimits limits_;
  EdgeCounters counters_;
  FakeCoreLink link_;
  Lane lane_{{42, "edge-1", 0}, limits_, counters_, clock_};
  wire::MessageReader reader_;
  SessionContext context_{lane_, limits_, counters_, reader_};
  FakeClient client_;
  std::optional<Session> session_;
};

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
  EXPECT_THAT(Said(), ElementsAre("SUBSCRIBED t", "RELAYED t one", "UNSUBSCRIBED t",
                                  "RELAYED u two"));
  EXPECT_EQ(counters_.messages_in.Get(), 4u);
  EXPECT_EQ(counters_.bytes_in.Get(),
            SubscribeMessage("t").size() + UnsubscribeMessage("t").size() +
                2 * RelayMessage("t", "one").size());
  EXPECT_THAT(client_.frames, IsEmpty()) << "the server answered";
  EXPECT_FALSE(client_.closed);
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

TEST_F(SessionTest, ARelayInFrontOfACloseCountsAndOneBehindItDoesNot) {
  Receive(RelayFrame("t", "before") + ClientClose(1000) + RelayFrame("t", "behind") +
          ClientFrame(WsOpcode::kPing, "x"));
  Receive(RelayFrame("t", "later"));
  EXPECT_THAT(Said(), ElementsAre("RELAYED t before"));
  EXPECT_THAT(client_.pongs_sent, IsEmpty());
  EXPECT_EQ(client_.close_calls, 1);
}

TEST_F(SessionTest, WhatBreaksTheProtocolClosesForItsReason) {
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

TEST_F(SessionTest, ATopicAboveTheLimitClosesWhateverIsSaidOfIt) {
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

TEST_F(SessionTest, WithTheJsonDialectsOffTextIsDroppedUnread) {
  limits_.json_dialects = false;
  ReceiveText(R"({"type":"announce","topic":"t","addresses":["00"]})");
  ReceiveText("no JSON");
  EXPECT_EQ(Dropped(DropReason::kTextMessage), 2u);
  EXPECT_THAT(Said(), IsEmpty());
  EXPECT_THAT(client_.frames, IsEmpty());
  EXPECT_FALSE(client_.closed);
}

TEST_F(SessionTest, PublishIsStoredAndAnsweredWithNothing) {
  ReceiveText(R"({"type":"publish","topic":"t","payload":"YmxvYg=="})");
  EXPECT_THAT(Said(), ElementsAre("PUBLISHED t blob"));
  EXPECT_THAT(client_.frames, IsEmpty());
}

TEST_F(SessionTest, AnnounceIsAcknowledgedAtOnce) {
  ReceiveText(R"({"type":"announce","topic":"t","addresses":["626c6f62"]})");
  EXPECT_THAT(Said(), ElementsAre("PUBLISHED t blob"));
  std::string ack;
  wire::AppendWsFrame(WsOpcode::kText, R"({"type":"ack","topic":"t"})", ack);
  EXPECT_THAT(client_.frames, ElementsAre(ack));
}

TEST_F(SessionTest, AQueryWaitsForTheCore) {
  ReceiveText(R"({"type":"query","topic":"t"})");
  EXPECT_THAT(Said(), ElementsAre("QUERIED t"));
  EXPECT_THAT(client_.frames, IsEmpty());
}

TEST_F(SessionTest, TextThatIsNoMessageIsDroppedAndNothingIsStored) {
  ReceiveText("no JSON");
  ReceiveText(R"({"type":"query","topic":"\ud800"})");
  EXPECT_EQ(Dropped(DropReason::kJsonMalformed), 2u);
  ReceiveText("[]");
  ReceiveText(R"({"type":"announce","topic":"t"})");
  ReceiveText(R"({"type":"publish","topic":"t","payload":"*"})");
  EXPECT_EQ(Dropped(DropReason::kJsonNotAMessage), 3u);
  EXPECT_THAT(Said(), IsEmpty());
  EXPECT_THAT(client_.frames, IsEmpty());
  EXPECT_FALSE(client_.closed);
}

class SessionV2 : public SessionTest {
 protected:
  SessionV2() {
    Open(wire::Dialect::kV2);
    welcome_ = std::exchange(client_.frames, {});
  }
  static std::string Frame(std::string_view message) {
    std::string frame;
    wire::AppendWsFrame(WsOpcode::kBinary, message, frame);
    return frame;
  }
  static std::string Error(std::string_view code) {
    std::string message;
    wire::AppendError(code, "the message had no effect; see docs/PROTOCOL.md, Reasons", message);
    return Frame(message);
  }
  // {"Relay": {"topic": "t", "payload": "p", <field>}}
  void ReceiveRelayWith(const std::string& field) {
    ReceiveBinary("\xa1\x65Relay\xa3\x65topic\x61t\x67payload\x41p" + field);
  }
  LaneEvent Relayed() {
    lane_.Flush();
    const std::vector<LaneEvent> events = link_.TakeEvents();
    EXPECT_EQ(events.size(), 1u);
    return events.empty() ? LaneEvent() : events[0];
  }

  std::vector<std::string> welcome_;
};

TEST_F(SessionV2, IsWelcomedWithItsIdTheTimeAndItsLimits) {
  wire::Welcome welcome;
  welcome.peer = "0000000000000001";
  welcome.time_ms = 5000;
  welcome.max_message_bytes = 1000;
  welcome.max_topic_bytes = 100;
  welcome.max_topics = 3;
  std::string message;
  wire::AppendWelcome(welcome, message);
  EXPECT_THAT(welcome_, ElementsAre(Frame(message)));
}

TEST_F(SessionV2, ARelayMayNameItsAddresseeAndAskForAReceipt) {
  ReceiveRelayWith("\x62to\x70" "00000000000000ff");
  EXPECT_EQ(Relayed().to(), 0xffu);
  ReceiveRelayWith("\x62id\x07");
  const LaneEvent relay = Relayed();
  EXPECT_TRUE(relay.wants_receipt());
  EXPECT_EQ(relay.receipt_id(), 7u);
  EXPECT_EQ(relay.to(), 0u);
  EXPECT_THAT(client_.frames, IsEmpty());
}

TEST_F(SessionV2, IsToldWhatHadNoEffectAndWhy) {
  ReceiveBinary("\xff");
  ReceiveRelayWith("\x62to\x64" "none");
  ReceiveRelayWith("\x62to\x70" "0000000000000000");
  ReceiveText("no JSON");
  EXPECT_THAT(client_.frames, ElementsAre(Error("cbor_malformed"), Error("bad_peer_id"),
                                          Error("bad_peer_id"), Error("json_malformed")));
  EXPECT_EQ(Dropped(DropReason::kBadPeerId), 2u);
  EXPECT_THAT(Said(), IsEmpty());
  EXPECT_FALSE(client_.closed);
}

TEST_F(SessionV2, IsToldWhenToComeBackWhenTheEdgeDrains) {
  session_->SayDraining(absl::Milliseconds(1500));
  std::string message;
  wire::AppendDraining(1500, message);
  EXPECT_THAT(client_.frames, ElementsAre(Frame(message)));
}

TEST_F(SessionTest, ANativeClientIsToldNothingOfAllThat) {
  session_->SayDraining(absl::Milliseconds(1500));
  ReceiveBinary("\xff");
  ReceiveBinary("\xa1\x65Relay\xa3\x65topic\x61t\x67payload\x41p\x62to\x64none");
  EXPECT_THAT(client_.frames, IsEmpty());
  EXPECT_THAT(Said(), ElementsAre("RELAYED t p")) << "an unknown field to it";
}

}  // namespace
}  // namespace cairn::edge

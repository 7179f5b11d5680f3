// What a session answers: nothing natively, JSON to text, and more in cairn.signal.v2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include <absl/strings/escaping.h>

#include "proto/wire/v2_writer.h"
#include "tests/support/client_frames.h"
#include "tests/support/session_fixture.h"

namespace cairn::edge {
namespace {

using signaling::v1::LaneEvent;
using testing::ElementsAre;
using testing::IsEmpty;
using wire::WsOpcode;

using SessionJson = SessionTest;

TEST_F(SessionJson, WithTheJsonDialectsOffTextIsDroppedUnread) {
  limits_.json_dialects = false;
  ReceiveText(R"({"type":"announce","topic":"t","addresses":["00"]})");
  ReceiveText("no JSON");
  EXPECT_EQ(Dropped(DropReason::kTextMessage), 2u);
  EXPECT_THAT(Said(), IsEmpty());
  EXPECT_THAT(client_.frames, IsEmpty());
  EXPECT_FALSE(client_.closed);
}

TEST_F(SessionJson, PublishIsStoredAndAnsweredWithNothing) {
  ReceiveText(R"({"type":"publish","topic":"t","payload":"YmxvYg=="})");
  EXPECT_THAT(Said(), ElementsAre("PUBLISHED t blob"));
  EXPECT_THAT(client_.frames, IsEmpty());
}

TEST_F(SessionJson, AnnounceIsAcknowledgedAtOnce) {
  ReceiveText(R"({"type":"announce","topic":"t","addresses":["626c6f62"]})");
  EXPECT_THAT(Said(), ElementsAre("PUBLISHED t blob"));
  std::string ack;
  wire::AppendWsFrame(WsOpcode::kText, R"({"type":"ack","topic":"t"})", ack);
  EXPECT_THAT(client_.frames, ElementsAre(ack));
}

TEST_F(SessionJson, AQueryWaitsForTheCore) {
  ReceiveText(R"({"type":"query","topic":"t"})");
  EXPECT_THAT(Said(), ElementsAre("QUERIED t"));
  EXPECT_THAT(client_.frames, IsEmpty());
}

TEST_F(SessionJson, TextThatIsNoMessageIsDroppedAndNothingIsStored) {
  ReceiveText("no JSON");
  ReceiveText(R"({"type":"query","topic":"\ud800"})");
  EXPECT_EQ(Dropped(DropReason::kJsonMalformed), 2u);
  ReceiveText("[]");
  ReceiveText(R"({"type":"publish","topic":"t","payload":"*"})");
  EXPECT_EQ(Dropped(DropReason::kJsonNotAMessage), 2u);
  EXPECT_THAT(Said(), IsEmpty());
  EXPECT_THAT(client_.frames, IsEmpty());
  EXPECT_FALSE(client_.closed);
}

TEST_F(SessionJson, ARefusedAnnounceIsAnsweredBecauseItsClientWaits) {
  ReceiveText(R"({"type":"announce","topic":"t","addresses":["a"],"peer_id":"me"})");
  EXPECT_EQ(Dropped(DropReason::kJsonNotAMessage), 1u);
  EXPECT_THAT(Said(), IsEmpty());
  std::string refusal;
  wire::AppendWsFrame(WsOpcode::kText,
                      R"({"type":"error","topic":"t","reason":"json_not_a_message"})", refusal);
  EXPECT_THAT(client_.frames, ElementsAre(refusal));
}

TEST_F(SessionJson, ARecordThatNoAnswerCouldHoldIsRefused) {
  limits_.max_message_bytes = 1 << 20;
  Open(wire::Dialect::kNative);
  const std::string large = absl::Base64Escape(std::string(60'000, 'b'));
  ReceiveText(R"({"type":"publish","topic":"t","payload":")" + large + "\"}");
  EXPECT_THAT(client_.frames, IsEmpty());
  std::string addresses;
  for (int i = 0; i < 9; ++i) addresses += (i > 0 ? ",\"" : "\"") + std::string(8000, 'g') + "\"";
  ReceiveText(R"({"type":"announce","topic":"t","addresses":[)" + addresses + "]}");
  EXPECT_EQ(Dropped(DropReason::kRecordTooLarge), 2u);
  EXPECT_THAT(Said(), IsEmpty());
  std::string refusal;
  wire::AppendWsFrame(WsOpcode::kText,
                      R"({"type":"error","topic":"t","reason":"record_too_large"})", refusal);
  EXPECT_THAT(client_.frames, ElementsAre(refusal));
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
  ReceiveRelayWith(
      "\x62to\x70"
      "00000000000000ff");
  EXPECT_EQ(Relayed().to(), 0xffu);
  ReceiveRelayWith("\x62id\x07");
  const LaneEvent relay = Relayed();
  EXPECT_TRUE(relay.wants_receipt());
  EXPECT_EQ(relay.receipt_id(), 7u);
  EXPECT_EQ(relay.to(), 0u);
  EXPECT_THAT(client_.frames, IsEmpty());
}

TEST_F(SessionV2, IsToldWhichMessageHadNoEffectAndWhy) {
  ReceiveBinary("\xff");
  ReceiveRelayWith(
      "\x62to\x64"
      "none");
  ReceiveRelayWith(
      "\x62to\x70"
      "0000000000000000");
  ReceiveRelayWith("\x62to\x60");  // nobody's name is not everybody's
  ReceiveText("no JSON");
  EXPECT_THAT(client_.frames,
              ElementsAre(Error("cbor_malformed"), Error("bad_peer_id"), Error("bad_peer_id"),
                          Error("bad_peer_id"), Error("json_malformed")));
  EXPECT_EQ(Dropped(DropReason::kBadPeerId), 3u);
  EXPECT_THAT(Said(), IsEmpty());
  EXPECT_FALSE(client_.closed);
}

TEST_F(SessionV2, IsToldWhenToReconnectWhenTheEdgeDrains) {
  session_->SayDraining(absl::Milliseconds(1500));
  std::string message;
  wire::AppendDraining(1500, message);
  EXPECT_THAT(client_.frames, ElementsAre(Frame(message)));
}

using SessionNative = SessionTest;

TEST_F(SessionNative, GetsNoneOfTheseMessages) {
  session_->SayDraining(absl::Milliseconds(1500));
  ReceiveBinary("\xff");
  ReceiveBinary("\xa1\x65Relay\xa3\x65topic\x61t\x67payload\x41p\x62to\x64none");
  EXPECT_THAT(client_.frames, IsEmpty());
  EXPECT_THAT(Said(), ElementsAre("RELAYED t p")) << "an unknown field to it";
}

}  // namespace
}  // namespace cairn::edge

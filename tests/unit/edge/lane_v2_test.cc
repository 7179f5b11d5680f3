// What a lane tells clients of cairn.signal.v2, next to native ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/peer_id.h"
#include "proto/wire/v2_writer.h"
#include "tests/support/client_frames.h"
#include "tests/support/lane_fixture.h"

namespace cairn::edge {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneEvent;
using signaling::v1::Notice;
using testing::ElementsAre;
using testing::IsEmpty;

std::string Frame(std::string_view message) {
  std::string frame;
  wire::AppendWsFrame(wire::WsOpcode::kBinary, message, frame);
  return frame;
}
std::string RelayFrom(std::string_view topic, std::string_view payload, uint64_t from) {
  std::string message;
  wire::AppendRelayFrom(topic, payload, FormatId(from), message);
  return Frame(message);
}
std::string Joined(std::string_view topic, uint64_t peer) {
  std::string message;
  wire::AppendJoined(topic, FormatId(peer), message);
  return Frame(message);
}
std::string Left(std::string_view topic, uint64_t peer) {
  std::string message;
  wire::AppendLeft(topic, FormatId(peer), message);
  return Frame(message);
}
std::string Subscribed(std::string_view topic, uint64_t others) {
  std::string message;
  wire::AppendSubscribed(topic, others, message);
  return Frame(message);
}
std::string Receipt(uint64_t id, uint64_t reached) {
  std::string message;
  wire::AppendReceipt(id, reached, message);
  return Frame(message);
}

class LaneV2 : public LaneTest {
 protected:
  Lane::Member* JoinV2(uint64_t peer, const std::string& topic) {
    Lane::Member* member = Join(peer, wire::Dialect::kV2);
    lane_.Subscribe(member, topic);
    return member;
  }
  void Tell(Notice::Kind kind, uint64_t peer, const std::string& topic, uint64_t count = 0) {
    CoreToLane message;
    Notice* notice = message.add_notices();
    notice->set_kind(kind);
    notice->set_peer(peer);
    notice->set_topic(topic);
    notice->set_count(count);
    lane_.OnCoreMessage(message);
  }
  // The SUBSCRIBED events said since the last call: whether each wants an answer.
  std::vector<bool> WantedAnswers() {
    lane_.Flush();
    return WantedAnswersOf(link_.TakeEvents());
  }
  template <typename Events>
  static std::vector<bool> WantedAnswersOf(const Events& events) {
    std::vector<bool> wanted;
    for (const LaneEvent& event : events) {
      if (event.kind() == LaneEvent::KIND_SUBSCRIBED) wanted.push_back(event.wants_answer());
    }
    return wanted;
  }
};

TEST_F(LaneV2, EachSubscriberGetsARelayInItsOwnDialect) {
  JoinAndSubscribe(1, "t");
  JoinV2(2, "t");
  JoinV2(3, "t");
  Deliver(1, 0xabc, "t", "payload");
  EXPECT_THAT(clients_[1].frames, ElementsAre(DeliveredFrame("t", "payload")));
  EXPECT_THAT(clients_[2].frames, ElementsAre(RelayFrom("t", "payload", 0xabc)));
  EXPECT_EQ(clients_[3].frames, clients_[2].frames);
  clients_.at(2).frames.clear();
  Deliver(2, 0xabc, "t", "next");
  EXPECT_THAT(clients_[2].frames, ElementsAre(RelayFrom("t", "next", 0xabc)));
}

TEST_F(LaneV2, ADirectRelayReachesItsPeerAlone) {
  JoinV2(1, "t");
  JoinV2(2, "t");
  JoinAndSubscribe(3, "t");
  CoreToLane message;
  for (const uint64_t to : {2u, 3u, 9u}) {
    AddDelivery(message, kOtherLane, to, 7, "t", "p");
    message.mutable_deliveries()->rbegin()->set_to(to);
  }
  lane_.OnCoreMessage(message);
  EXPECT_THAT(clients_[1].frames, IsEmpty());
  EXPECT_THAT(clients_[2].frames, ElementsAre(RelayFrom("t", "p", 7)));
  EXPECT_THAT(clients_[3].frames, ElementsAre(DeliveredFrame("t", "p")));
  EXPECT_EQ(counters_.frames_delivered.Get(), 2u);
}

TEST_F(LaneV2, ARelayCarriesItsAddresseeAndItsReceipt) {
  Lane::Member* member = Join(1, wire::Dialect::kV2);
  Said();
  wire::Message message;
  message.kind = wire::MessageKind::kRelay;
  message.topic = "t";
  message.receipt_id = 0;
  lane_.Relay(member, message, 5);
  Relay(member, "t", "p");
  lane_.Flush();
  const std::vector<LaneEvent> events = link_.TakeEvents();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].to(), 5u);
  EXPECT_TRUE(events[0].wants_receipt()) << "0 is an id like any other";
  EXPECT_EQ(events[1].to(), 0u);
  EXPECT_FALSE(events[1].wants_receipt());
}

TEST_F(LaneV2, PresenceIsSentToOtherSubscribersOfV2) {
  JoinAndSubscribe(1, "t");
  JoinV2(2, "t");
  JoinV2(3, "t");
  JoinV2(4, "u");
  for (const uint64_t peer : {2u, 3u}) {
    Tell(Notice::KIND_SUBSCRIBED, peer, "t");
    clients_[peer].frames.clear();
  }
  Tell(Notice::KIND_JOINED, 3, "t");
  Tell(Notice::KIND_LEFT, 9, "t");
  Tell(Notice::KIND_JOINED, 9, "nobody's");
  Tell(Notice::KIND_UNSPECIFIED, 9, "t");
  EXPECT_THAT(clients_[1].frames, IsEmpty());
  EXPECT_THAT(clients_[2].frames, ElementsAre(Joined("t", 3), Left("t", 9)));
  EXPECT_THAT(clients_[3].frames, ElementsAre(Left("t", 9)));
  EXPECT_THAT(clients_[4].frames, IsEmpty());
}

TEST_F(LaneV2, ASubscriberGetsNoPresenceBeforeItsSubscribed) {
  Lane::Member* member = JoinV2(1, "t");
  Tell(Notice::KIND_JOINED, 9, "t");
  Tell(Notice::KIND_LEFT, 8, "t");
  EXPECT_THAT(clients_[1].frames, IsEmpty()) << "they are in the number that it will be told";
  Tell(Notice::KIND_SUBSCRIBED, 1, "t", 1);
  // That it asks once more makes no difference.
  lane_.Subscribe(member, "t");
  Tell(Notice::KIND_JOINED, 7, "t");
  EXPECT_THAT(clients_[1].frames, ElementsAre(Subscribed("t", 1), Joined("t", 7)));
}

TEST_F(LaneV2, SubscribedAndReceiptsReachTheirRequester) {
  Lane::Member* one = JoinV2(1, "t");
  JoinV2(2, "t");
  Tell(Notice::KIND_SUBSCRIBED, 1, "t", 4);
  CoreToLane message;
  Notice* receipt = message.add_notices();
  receipt->set_kind(Notice::KIND_RECEIPT);
  receipt->set_peer(1);
  receipt->set_receipt_id(77);
  receipt->set_count(3);
  lane_.OnCoreMessage(message);
  EXPECT_THAT(clients_[1].frames, ElementsAre(Subscribed("t", 4), Receipt(77, 3)));
  EXPECT_THAT(clients_[2].frames, IsEmpty());
  // Too late: it has unsubscribed, then left.
  lane_.Unsubscribe(one, "t");
  Tell(Notice::KIND_SUBSCRIBED, 1, "t", 4);
  lane_.Leave(one, 0, "client_gone");
  Tell(Notice::KIND_SUBSCRIBED, 1, "t", 4);
  lane_.OnCoreMessage(message);
  EXPECT_EQ(clients_[1].frames.size(), 2u);
}

TEST_F(LaneV2, OnlyClientsOfV2AskForAnAnswerAndDoSoEachTimeTheySubscribe) {
  Lane::Member* native = JoinAndSubscribe(1, "t");
  Lane::Member* v2 = JoinV2(2, "t");
  EXPECT_THAT(WantedAnswers(), ElementsAre(false, true));
  EXPECT_EQ(lane_.Subscribe(native, "t"), Lane::SubscribeResult::kAlready);
  EXPECT_EQ(lane_.Subscribe(v2, "t"), Lane::SubscribeResult::kAlready);
  EXPECT_THAT(WantedAnswers(), ElementsAre(true));
}

TEST_F(LaneV2, ASnapshotAsksAgainForAnswersThatDidNotCome) {
  Lane::Member* member = JoinV2(1, "t");
  Said();
  const auto wanted = [this] {
    link_.BeginKind(CoreSession::Kind::kNewCore);
    lane_.Flush();
    const std::vector<LaneEvent> events = link_.TakeEvents();
    EXPECT_TRUE(events.at(0).info().wants_presence());
    return WantedAnswersOf(events);
  };
  EXPECT_THAT(wanted(), ElementsAre(true));
  Tell(Notice::KIND_SUBSCRIBED, 1, "t");
  EXPECT_THAT(wanted(), ElementsAre(false));
  lane_.Unsubscribe(member, "t");
  lane_.Subscribe(member, "t");
  EXPECT_THAT(wanted(), ElementsAre(true));
}

TEST_F(LaneV2, MissedIsSentForEveryTopic) {
  JoinV2(1, "t");
  JoinAndSubscribe(2, "t");
  Said();
  for (const auto kind : {CoreSession::Kind::kFirst, CoreSession::Kind::kNewCore}) {
    link_.BeginKind(kind);
    EXPECT_THAT(clients_[1].frames, IsEmpty());
  }
  std::string missed;
  wire::AppendMissed("t", missed);
  for (const auto kind : {CoreSession::Kind::kGivenUp, CoreSession::Kind::kLate}) {
    clients_[1].frames.clear();
    link_.BeginKind(kind);
    EXPECT_THAT(clients_[1].frames, ElementsAre(Frame(missed)));
    EXPECT_THAT(clients_[2].frames, IsEmpty()) << "its dialect has no word for it";
  }
  // A core that has begun the session may find so later.
  clients_[1].frames.clear();
  Tell(Notice::KIND_MISSED, 0, "");
  EXPECT_THAT(clients_[1].frames, ElementsAre(Frame(missed)));
  EXPECT_THAT(clients_[2].frames, IsEmpty());
}

}  // namespace
}  // namespace cairn::edge

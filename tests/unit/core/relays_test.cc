#include "core/relays.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/router_parts.h"

namespace cairn::core {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneEvent;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class RelaysTest : public testing::Test {
 protected:
  static LaneEvent RelayOf(uint64_t peer, uint64_t seq, uint64_t to = 0) {
    LaneEvent event;
    event.set_kind(LaneEvent::KIND_RELAYED);
    event.set_peer(peer);
    event.set_seq(seq);
    event.set_to(to);
    event.set_topic("t");
    event.set_payload("payload");
    return event;
  }
  void Route(LaneRecord& origin, LaneEvent event) { relays_.Route(origin.id, &origin, event); }
  // What was sent to the lane is acknowledged.
  CoreToLane Answer(LaneRecord& lane) {
    CoreToLane message = RouterParts::Take(lane);
    relays_.OnAcknowledged(lane, message);
    return message;
  }
  static std::vector<uint64_t> Settled(LaneRecord& lane) {
    google::protobuf::RepeatedField<uint64_t> ranges;
    lane.ledger.TakeSettled(&ranges);
    return {ranges.begin(), ranges.end()};
  }

  RouterParts parts_;
  Recovery recovery_{
      77,         parts_.limits, parts_.turn, parts_.directory, parts_.output, parts_.counters,
      parts_.mesh};
  Relays relays_{parts_.turn, parts_.directory, parts_.output, parts_.feed,
                 recovery_,   parts_.counters,  parts_.mesh};
  LaneRecord& origin_ = parts_.AddLinkedLane(1, 100);
  LaneRecord& second_ = parts_.AddLinkedLane(2, 200);
  LaneRecord& third_ = parts_.AddLinkedLane(3, 300);
};

TEST_F(RelaysTest, ARelayIsSettledOnceEveryLaneThatItWentToHasAcknowledgedIt) {
  parts_.AddPeer(origin_, 10, "t");
  parts_.AddPeer(second_, 20, "t");
  parts_.AddPeer(third_, 30, "t");
  Route(origin_, RelayOf(10, 1));
  EXPECT_THAT(RouterParts::Take(origin_).deliveries(), IsEmpty()) << "the sender's own";
  EXPECT_THAT(Answer(second_).deliveries(), SizeIs(1));
  EXPECT_THAT(Settled(origin_), IsEmpty());
  const CoreToLane message = Answer(third_);
  ASSERT_THAT(message.deliveries(), SizeIs(1));
  EXPECT_EQ(message.deliveries(0).payload(), "payload");
  EXPECT_EQ(message.deliveries(0).origin_seq(), 1u);
  EXPECT_THAT(Settled(origin_), ElementsAre(1, 1));
}

TEST_F(RelaysTest, ARelayThatReachesNobodyIsSettledAtOnce) {
  parts_.AddPeer(origin_, 10, "t");
  Route(origin_, RelayOf(10, 1));
  EXPECT_THAT(Settled(origin_), ElementsAre(1, 1));
  EXPECT_EQ(parts_.counters.relays_unheard, 1u);
}

TEST_F(RelaysTest, ARelayToOnePeerGoesToItsLaneAloneAndOnlyBySubscription) {
  parts_.AddPeer(second_, 20, "t");
  parts_.AddPeer(third_, 30, "t");
  parts_.AddPeer(third_, 31, "u");
  Route(origin_, RelayOf(10, 1, 30));
  EXPECT_THAT(RouterParts::Take(second_).deliveries(), IsEmpty());
  const CoreToLane message = RouterParts::Take(third_);
  ASSERT_THAT(message.deliveries(), SizeIs(1));
  EXPECT_EQ(message.deliveries(0).to(), 30u);
  Route(origin_, RelayOf(10, 2, 31));
  EXPECT_THAT(RouterParts::Take(third_).deliveries(), IsEmpty());
}

TEST_F(RelaysTest, ALateLaneGetsARelayOnlyWhenItCatchesUpAndUntilThenItIsNotSettled) {
  parts_.AddPeer(second_, 20, "t");
  recovery_.late().Begin({2}, absl::InfiniteDuration());
  second_.late = true;
  Route(origin_, RelayOf(10, 1));
  EXPECT_THAT(RouterParts::Take(second_).deliveries(), IsEmpty());
  ASSERT_THAT(recovery_.late().kept(), SizeIs(1));
  relays_.DeliverKept(second_, recovery_.late().kept().front());
  recovery_.OnCaughtUp(second_);
  const LateLanes::Kept kept = recovery_.late().TakeFirst();
  relays_.Settle({kept.origin_lane, kept.origin_link, kept.event.seq()});
  EXPECT_THAT(Settled(origin_), IsEmpty()) << "the lane has not acknowledged it";
  EXPECT_THAT(Answer(second_).deliveries(), SizeIs(1));
  EXPECT_THAT(Settled(origin_), ElementsAre(1, 1));
}

TEST_F(RelaysTest, ARelayOfAnEarlierLinkIsNotSettledOnTheNext) {
  parts_.AddPeer(second_, 20, "t");
  Route(origin_, RelayOf(10, 1));
  relays_.Settle({1, 99, 1});
  EXPECT_THAT(Settled(origin_), IsEmpty());
}

TEST_F(RelaysTest, AReceiptCountsTheSubscribersThatWereReached) {
  parts_.AddPeer(origin_, 10, "t");
  parts_.AddPeer(origin_, 11, "t");
  parts_.AddPeer(second_, 20, "t");
  LaneEvent event = RelayOf(10, 1);
  event.set_wants_receipt(true);
  Route(origin_, std::move(event));
  EXPECT_THAT(RouterParts::Notices(origin_), ElementsAre("RECEIPT 10  2"));
}

TEST_F(RelaysTest, ALargePayloadIsMoreWork) {
  parts_.AddPeer(second_, 20, "t");
  LaneEvent event = RelayOf(10, 1);
  event.set_payload(std::string(2 * Turn::kBytesPerDelivery, 'x'));
  Route(origin_, std::move(event));
  EXPECT_EQ(parts_.turn.work, 3u);
}

}  // namespace
}  // namespace cairn::core

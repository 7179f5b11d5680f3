#include "core/event_rules.h"

#include <gtest/gtest.h>

#include "tests/support/router_parts.h"

namespace cairn::core {
namespace {

using signaling::v1::LaneEvent;

class EventRulesTest : public testing::Test {
 protected:
  static LaneEvent Event(LaneEvent::Kind kind, uint64_t peer, uint64_t seq = 0) {
    LaneEvent event;
    event.set_kind(kind);
    event.set_peer(peer);
    event.set_seq(seq);
    event.set_topic("t");
    return event;
  }
  std::optional<LaneRefusal> Why(const LaneRecord& lane, const LaneEvent& event) const {
    return WhyRefusedNow(parts_.directory, parts_.limits, lane, event);
  }

  RouterParts parts_;
  LaneRecord& lane_ = parts_.AddLane(1, "edge");
  LaneRecord& other_ = parts_.AddLane(2, "other");
};

TEST_F(EventRulesTest, APeerOfAnotherLaneIsForeign) {
  parts_.AddPeer(other_, 20, "t");
  for (const auto kind : {LaneEvent::KIND_PEER_OPENED, LaneEvent::KIND_SUBSCRIBED,
                          LaneEvent::KIND_RELAYED, LaneEvent::KIND_PEER_CLOSED}) {
    EXPECT_EQ(Why(lane_, Event(kind, 20)), LaneRefusal::kForeignPeer) << kind;
    EXPECT_EQ(Why(other_, Event(kind, 20)), std::nullopt) << kind;
  }
}

TEST_F(EventRulesTest, ARelayOfAPeerThatHasLeftIsAcceptedUnlessTheIdProvesAnotherLane) {
  EXPECT_EQ(Why(lane_, Event(LaneEvent::KIND_RELAYED, 30, 1)), std::nullopt);
  lane_.proven = true;
  EXPECT_EQ(Why(lane_, Event(LaneEvent::KIND_RELAYED, 30, 1)), LaneRefusal::kForeignPeer);
}

TEST_F(EventRulesTest, AnEdgeMayNotHaveMoreSubscriptionsThanItsShareOfMemory) {
  parts_.AddPeer(lane_, 10, "t");
  parts_.limits.max_presence_bytes_per_edge = lane_.share->presence_bytes;
  EXPECT_EQ(Why(lane_, Event(LaneEvent::KIND_SUBSCRIBED, 10)), LaneRefusal::kTooMuch);
  EXPECT_EQ(Why(lane_, Event(LaneEvent::KIND_UNSUBSCRIBED, 10)), std::nullopt);
  parts_.limits.max_presence_bytes_per_edge *= 2;
  EXPECT_EQ(Why(lane_, Event(LaneEvent::KIND_SUBSCRIBED, 10)), std::nullopt);
}

TEST_F(EventRulesTest, NewRelaysOfAProvenLaneHaveNoGaps) {
  EXPECT_TRUE(FollowsLast(lane_, Event(LaneEvent::KIND_RELAYED, 10, 7))) << "not proven";
  lane_.proven = true;
  LaneEvent end = Event(LaneEvent::KIND_SNAPSHOT_END, 0);
  end.set_next_seq(5);
  EXPECT_TRUE(FollowsLast(lane_, end));
  EXPECT_TRUE(FollowsLast(lane_, Event(LaneEvent::KIND_RELAYED, 10, 3))) << "resent";
  EXPECT_TRUE(FollowsLast(lane_, Event(LaneEvent::KIND_RELAYED, 10, 5)));
  EXPECT_TRUE(FollowsLast(lane_, Event(LaneEvent::KIND_SUBSCRIBED, 10))) << "has no number";
  EXPECT_FALSE(FollowsLast(lane_, Event(LaneEvent::KIND_RELAYED, 10, 7)));
  EXPECT_TRUE(FollowsLast(lane_, Event(LaneEvent::KIND_RELAYED, 10, 6)));
}

TEST_F(EventRulesTest, ThereIsRoomForSoManyLanesInTotalAndOfOneEdge) {
  signaling::v1::Hello hello;
  hello.set_edge("edge");
  EXPECT_TRUE(HasRoomForLane(parts_.directory, parts_.limits, hello));
  parts_.limits.max_lanes_per_edge = 1;
  EXPECT_FALSE(HasRoomForLane(parts_.directory, parts_.limits, hello));
  hello.set_edge("a third");
  EXPECT_TRUE(HasRoomForLane(parts_.directory, parts_.limits, hello));
  parts_.limits.max_lanes = 2;
  EXPECT_FALSE(HasRoomForLane(parts_.directory, parts_.limits, hello));
}

}  // namespace
}  // namespace cairn::core

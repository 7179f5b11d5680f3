// Lanes of an edge that ends: they go at once, unless somebody may still lack what they relayed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/return_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::Welcome;
using testing::ElementsAre;
using testing::IsEmpty;

using RouterLeaving = RouterTest;

TEST_F(RouterLeaving, ALaneGoesQuietlyWithItsStreamWhenItsRelaysAreSettled) {
  const LanePtr leaving = Open(1), target = Open(2);
  Say(target, Batch().Opened(20, true).Subscribed(20, "t"));
  Say(leaving, Batch().Opened(10).Relayed(10, "t", 1).Closed(10).Goodbye());
  Answer(target);
  Break(leaving);
  EXPECT_EQ(lane_count(), 1u);
  for (size_t i = 0; i < kLaneEndCount; ++i) EXPECT_EQ(Ended(static_cast<LaneEnd>(i)), 0u);
}

TEST_F(RouterLeaving, ALaneWhoseRelaysAreNotSettledMayComeBackToHearOfThem) {
  const LanePtr leaving = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(leaving, Batch().Opened(10).Relayed(10, "t", 1).Closed(10).Goodbye());
  Break(leaving);
  EXPECT_EQ(lane_count(), 2u);
  Answer(target);
  EXPECT_EQ(Connect(leaving), Welcome::OUTCOME_RESUMED);
  EXPECT_THAT(Settled(leaving), ElementsAre(1));
  Break(leaving);
  EXPECT_EQ(lane_count(), 1u) << "now it goes";
}

TEST_F(RouterLeaving, ALaneThatDoesNotComeBackIsGivenUpInTheEnd) {
  const LanePtr leaving = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(leaving, Batch().Opened(10).Relayed(10, "t", 1).Closed(10).Goodbye());
  Break(leaving);
  EXPECT_THAT(Delivered(target), ElementsAre(1)) << "whatever became of its origin";
  Pass(limits_.lane_timeout + absl::Microseconds(1));
  EXPECT_EQ(lane_count(), 1u);
}

class RouterLeavingWhileHolding : public RouterReturn {};

TEST_F(RouterLeavingWhileHolding, ALaneWhoseRelaysAreHeldIsKept) {
  const LanePtr leaving = Return(1, {1, 2});
  Say(leaving, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1).Closed(10).Goodbye());
  Break(leaving);
  EXPECT_EQ(lane_count(), 1u);
  const LanePtr two = Return(2, {1, 2});
  PassStartHold();
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_THAT(Delivered(two), ElementsAre(1));
  Answer(two);
  EXPECT_EQ(Connect(leaving), Welcome::OUTCOME_RESUMED);
  EXPECT_THAT(Settled(leaving), ElementsAre(1));
}

TEST_F(RouterLeavingWhileHolding, ALaneWhoseRelaysAreKeptForALateOneIsKeptToo) {
  const LanePtr leaving = Return(1, {1, 2});
  Say(leaving, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1).Closed(10).Goodbye());
  Elapse(kPatience);
  Break(leaving);
  EXPECT_EQ(lane_count(), 1u);
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  Answer(two);
  EXPECT_EQ(Connect(leaving), Welcome::OUTCOME_RESUMED);
  EXPECT_THAT(Settled(leaving), ElementsAre(1));
}

TEST_F(RouterLeavingWhileHolding, ALaneWithoutRelaysIsNotWaitedForAnyLonger) {
  const LanePtr leaving = Return(1, {1, 2}), two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  PassStartHold();
  Say(two, Batch().Relayed(20, "t", 1));
  EXPECT_TRUE(router_->hold().holding());
  Say(leaving, Batch().Goodbye());
  Break(leaving);
  EXPECT_FALSE(router_->hold().holding());
  EXPECT_THAT(Settled(two), ElementsAre(1));
}

}  // namespace
}  // namespace cairn::core

#include "core/core_snapshot.h"

#include <gtest/gtest.h>

#include "tests/support/router_fixture.h"

namespace cairn::core {
namespace {

using CoreSnapshotTest = RouterTest;

TEST_F(CoreSnapshotTest, HasPeersTopicsAndRelays) {
  const LanePtr one = Open(1, "north"), other = Open(2, "north"), third = Open(3, "south");
  Say(one, Batch().Opened(10).Subscribed(10, "t").Subscribed(10, "u"));
  Say(other, Batch().Opened(20).Subscribed(20, "t"));
  Say(third, Batch().Opened(30).Relayed(30, "t", 1).Relayed(30, "nobody", 2));
  const CoreSnapshot snapshot = SnapshotOf(*router_);
  EXPECT_EQ(snapshot.peers, 3u);
  EXPECT_EQ(snapshot.topics, 2u);
  EXPECT_EQ(snapshot.subscriptions, 3u);
  EXPECT_EQ(snapshot.lanes, 3u);
  EXPECT_EQ(snapshot.edges, 2u);
  EXPECT_EQ(snapshot.peers_opened, 3u);
  EXPECT_EQ(snapshot.relays, 2u);
  EXPECT_EQ(snapshot.relays_unheard, 1u);
  EXPECT_EQ(snapshot.deliveries, 2u);
  EXPECT_EQ(snapshot.fan_out.Count(), 2u);
  EXPECT_EQ(snapshot.fan_out.buckets[0], 1u) << "nobody";
  EXPECT_EQ(snapshot.fan_out.sum, 2u);
}

TEST_F(CoreSnapshotTest, ALaneWithoutAStreamIsAbsentAndItsDeliveriesAreKept) {
  const LanePtr one = Open(1, "north"), other = Open(2, "south");
  Say(one, Batch().Opened(10).Subscribed(10, "t"));
  Say(other, Batch().Opened(20));
  Break(one);
  Say(other, Batch().Relayed(20, "t", 1));
  const CoreSnapshot snapshot = SnapshotOf(*router_);
  EXPECT_EQ(snapshot.lanes, 1u);
  EXPECT_EQ(snapshot.edges, 1u);
  EXPECT_EQ(snapshot.absent_lanes, 1u);
  EXPECT_GE(snapshot.kept_bytes, std::string("tpayload 1").size());
  EXPECT_GE(snapshot.max_kept_bytes, std::string("tpayload 1").size());
  EXPECT_LT(snapshot.max_kept_bytes, snapshot.kept_bytes + 1);
  EXPECT_EQ(snapshot.peers, 2u);
}

TEST_F(CoreSnapshotTest, CountsLanesGivenUpByReasonWithTheirLostDeliveries) {
  const LanePtr one = Open(1), other = Open(2);
  Say(one, Batch().Opened(10).Subscribed(10, "t"));
  Break(one);
  Say(other, Batch().Relayed(20, "t", 1).Relayed(20, "t", 2));
  Pass(limits_.lane_timeout + absl::Microseconds(1));
  const CoreSnapshot snapshot = SnapshotOf(*router_);
  EXPECT_EQ(snapshot.lanes_ended[static_cast<size_t>(LaneEnd::kTimeout)], 1u);
  EXPECT_EQ(snapshot.deliveries_given_up[static_cast<size_t>(LaneEnd::kTimeout)], 2u);
  EXPECT_EQ(snapshot.lanes_ended[static_cast<size_t>(LaneEnd::kFull)], 0u);
  EXPECT_EQ(snapshot.absent_lanes, 0u);
}

TEST(TakeSnapshot, ComesFromARunningCore) {
  const FakeClock clock;
  const CoreLimits limits;
  Core core(1, limits, clock);
  const auto snapshot = TakeSnapshot(core, absl::Seconds(10));
  ASSERT_TRUE(snapshot.has_value());
  EXPECT_EQ(snapshot->peers, 0u);
  EXPECT_EQ(snapshot->fan_out.buckets.size(), kFanOutBounds.size() + 1);
}

}  // namespace
}  // namespace cairn::core

#include "core/late_lanes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/link/cost.h"
#include "tests/support/steady_times.h"

namespace cairn::core {
namespace {

using signaling::v1::LaneEvent;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr absl::Duration kUntil = absl::Seconds(10);

class LateLanesTest : public testing::Test {
 protected:
  static LaneEvent RelayOf(uint64_t seq) {
    LaneEvent event;
    event.set_seq(seq);
    event.set_topic("t");
    event.set_payload(std::string(1000, 'x'));
    return event;
  }
  LateLanes late_{5 * link::CostOf(RelayOf(1))};
};

TEST_F(LateLanesTest, WithoutALaneNothingIsKept) {
  EXPECT_FALSE(late_.keeping());
  late_.Begin({}, kUntil);
  EXPECT_FALSE(late_.keeping());
  EXPECT_FALSE(late_.Contains(1));
  EXPECT_EQ(late_.cost(), 0u);
}

TEST_F(LateLanesTest, IsKeepingUntilTheLastLaneHasFinished) {
  late_.Begin({1, 2}, kUntil);
  EXPECT_TRUE(late_.keeping());
  EXPECT_THAT(late_.lanes(), UnorderedElementsAre(1, 2));
  late_.Finish(3);
  late_.Finish(1);
  EXPECT_FALSE(late_.Contains(1));
  EXPECT_TRUE(late_.Contains(2));
  EXPECT_TRUE(late_.keeping());
  late_.Finish(2);
  EXPECT_FALSE(late_.keeping());
}

TEST_F(LateLanesTest, KeptRelaysAreCopiesAndKeepTheirOrder) {
  late_.Begin({1}, kUntil);
  const LaneEvent event = RelayOf(7);
  late_.Keep(5, 1, event);
  EXPECT_EQ(event.payload().size(), 1000u);
  late_.Keep(4, 1, RelayOf(1));
  late_.Keep(5, 1, RelayOf(8));
  EXPECT_EQ(late_.cost(), 3 * link::CostOf(event));
  std::vector<std::string> order;
  for (const LateLanes::Kept& kept : late_.kept())
    order.push_back(std::to_string(kept.origin_lane) + ":" + std::to_string(kept.event.seq()));
  EXPECT_THAT(order, ElementsAre("5:7", "4:1", "5:8"));
  late_.Finish(1);
  for (const uint64_t seq : {7u, 1u, 8u}) EXPECT_EQ(late_.TakeFirst().event.seq(), seq);
  EXPECT_THAT(late_.kept(), IsEmpty());
  EXPECT_EQ(late_.cost(), 0u);
}

TEST_F(LateLanesTest, EndsAtItsTime) {
  late_.Begin({1}, kUntil);
  EXPECT_FALSE(late_.over(kUntil - kInstant));
  EXPECT_TRUE(late_.over(kUntil));
}

TEST_F(LateLanesTest, EndsAboveItsBound) {
  late_.Begin({1}, kUntil);
  for (uint64_t seq = 1; seq <= 5; ++seq) late_.Keep(9, 1, RelayOf(seq));
  EXPECT_FALSE(late_.over(absl::ZeroDuration()));
  late_.Keep(9, 1, RelayOf(6));
  EXPECT_TRUE(late_.over(absl::ZeroDuration()));
}

TEST_F(LateLanesTest, GivesUpThoseThatAreLeft) {
  late_.Begin({1, 2, 3}, kUntil);
  late_.Finish(2);
  late_.Keep(9, 1, RelayOf(1));
  EXPECT_THAT(late_.GiveUp(), UnorderedElementsAre(1, 3));
  EXPECT_FALSE(late_.keeping());
  EXPECT_FALSE(late_.Contains(1));
  EXPECT_THAT(late_.kept(), SizeIs(1)) << "its origin is still to be told that it is settled";
}

}  // namespace
}  // namespace cairn::core

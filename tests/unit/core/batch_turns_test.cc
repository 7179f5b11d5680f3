#include "core/batch_turns.h"

#include <gtest/gtest.h>

namespace cairn::core {
namespace {

TEST(BatchTurnsTest, LanesAreServedInTurnsHoweverManyBatchesTheyHave) {
  BatchTurns turns;
  LaneRecord first;
  LaneRecord second;
  turns.Add(first, {});
  turns.Add(first, {});
  turns.Add(second, {});
  ASSERT_EQ(turns.size(), 2u) << "each lane once";
  EXPECT_EQ(&turns.TakeFirst(), &first);
  first.batches.pop_front();
  turns.PutBack(first);
  EXPECT_EQ(&turns.TakeFirst(), &second);
  EXPECT_EQ(&turns.TakeFirst(), &first);
  EXPECT_TRUE(turns.empty());
}

TEST(BatchTurnsTest, ALaneWithoutUnfinishedBatchesHasNoTurn) {
  BatchTurns turns;
  LaneRecord lane;
  turns.Add(lane, {});
  turns.TakeFirst().batches.clear();
  turns.PutBack(lane);
  EXPECT_TRUE(turns.empty());
  turns.Add(lane, {});
  EXPECT_EQ(turns.size(), 1u) << "it has a turn again with its next batch";
}

TEST(BatchTurnsTest, AForgottenLaneHasNoTurn) {
  BatchTurns turns;
  LaneRecord lane;
  LaneRecord other;
  turns.Add(lane, {});
  turns.Add(other, {});
  turns.Forget(lane);
  turns.Forget(lane);
  EXPECT_EQ(turns.size(), 1u);
  EXPECT_EQ(&turns.TakeFirst(), &other);
}

}  // namespace
}  // namespace cairn::core

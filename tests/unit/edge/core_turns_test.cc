#include "edge/core_turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cairn::edge {
namespace {

using testing::ElementsAre;

TEST(CoreTurnsTest, BeginsWithThePreferredOne) {
  EXPECT_THAT(CoreTurns(3).Next(), ElementsAre(0, 1, 2));
}

// The connection may have broken while the core lives, and its link goes on.
TEST(CoreTurnsTest, ACoreThatWasGoodIsTriedFirst) {
  CoreTurns turns(3);
  turns.OnGood(1);
  EXPECT_THAT(turns.Next(), ElementsAre(1, 0, 2));
}

TEST(CoreTurnsTest, CoresThatFailedComeLastTheOldestFailureFirst) {
  CoreTurns turns(3);
  turns.OnGood(0);
  turns.OnFailed(0);
  EXPECT_THAT(turns.Next(), ElementsAre(1, 2, 0));
  turns.OnFailed(1);
  EXPECT_THAT(turns.Next(), ElementsAre(2, 0, 1));
  turns.OnFailed(2);
  EXPECT_THAT(turns.Next(), ElementsAre(0, 1, 2));
  turns.OnFailed(0);
  EXPECT_THAT(turns.Next(), ElementsAre(1, 2, 0));
}

TEST(CoreTurnsTest, ACoreThatAnswersHasNotFailed) {
  CoreTurns turns(2);
  turns.OnFailed(0);
  turns.OnGood(0);
  EXPECT_THAT(turns.Next(), ElementsAre(0, 1));
}

TEST(CoreTurnsTest, GoingBackForgetsWhereItWasAndWhatFailed) {
  CoreTurns turns(3);
  turns.OnFailed(0);
  turns.OnGood(2);
  turns.GoBack();
  EXPECT_THAT(turns.Next(), ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace cairn::edge

#include "edge/core_turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cairn::edge {
namespace {

using testing::ElementsAre;

const absl::Duration kNow = absl::Seconds(1000);

TEST(CoreTurnsTest, BeginsWithThePreferredOne) {
  EXPECT_THAT(CoreTurns(3).Next(kNow), ElementsAre(0, 1, 2));
}

// The connection may have broken while the core lives, and its link goes on.
TEST(CoreTurnsTest, ACoreThatWasGoodIsTriedFirst) {
  CoreTurns turns(3);
  turns.OnGood(1);
  EXPECT_THAT(turns.Next(kNow), ElementsAre(1, 0, 2));
}

TEST(CoreTurnsTest, CoresThatFailedComeLastTheOldestFailureFirst) {
  CoreTurns turns(3);
  turns.OnGood(0);
  turns.OnFailed(0, kNow);
  EXPECT_THAT(turns.Next(kNow), ElementsAre(1, 2, 0));
  turns.OnFailed(1, kNow);
  EXPECT_THAT(turns.Next(kNow), ElementsAre(2, 0, 1));
  turns.OnFailed(2, kNow);
  EXPECT_THAT(turns.Next(kNow), ElementsAre(0, 1, 2));
  turns.OnFailed(0, kNow);
  EXPECT_THAT(turns.Next(kNow), ElementsAre(1, 2, 0));
}

TEST(CoreTurnsTest, ACoreThatAnswersHasNotFailed) {
  CoreTurns turns(2);
  turns.OnFailed(0, kNow);
  turns.OnGood(0);
  EXPECT_THAT(turns.Next(kNow), ElementsAre(0, 1));
}

TEST(CoreTurnsTest, ACoreThatAnswersOthersIsTriedNext) {
  CoreTurns turns(3);
  turns.OnGood(0);
  turns.OnFailed(1, kNow);
  turns.OnFailed(2, kNow);
  turns.OnWell(2);
  turns.OnFailed(0, kNow);
  EXPECT_THAT(turns.Next(kNow), ElementsAre(2, 1, 0));
}

// It may have been starting, or joining its fleet.
TEST(CoreTurnsTest, AFailureIsForgottenAfterAWhile) {
  CoreTurns turns(2);
  turns.OnFailed(0, kNow);
  turns.OnGood(1);
  turns.OnFailed(1, kNow + absl::Seconds(20));
  EXPECT_THAT(turns.Next(kNow + absl::Seconds(29)), ElementsAre(0, 1)) << "both have failed";
  EXPECT_THAT(turns.Next(kNow + absl::Seconds(31)), ElementsAre(0, 1));
  EXPECT_THAT(turns.Next(kNow + absl::Seconds(51)), ElementsAre(1, 0)) << "where it was";
}

TEST(CoreTurnsTest, GoingBackForgetsWhereItWasAndWhatFailed) {
  CoreTurns turns(3);
  turns.OnFailed(0, kNow);
  turns.OnGood(2);
  turns.GoBack();
  EXPECT_THAT(turns.Next(kNow), ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace cairn::edge

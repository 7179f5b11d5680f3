#include "core/return_hold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/link/cost.h"
#include "proto/link/timing.h"
#include "tests/support/steady_times.h"

namespace cairn::core {
namespace {

using signaling::v1::Hello;
using signaling::v1::LaneEvent;
using signaling::v1::Roster;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const absl::Duration kStartHold = absl::FromChrono(link::kStartHold);
const absl::Duration kPatience = absl::FromChrono(link::kReturnPatience);
const absl::Duration kLimit = absl::FromChrono(link::kReturnLimit);

class ReturnHoldTest : public testing::Test {
 protected:
  static Roster Of(std::initializer_list<uint64_t> lanes, bool complete = true) {
    Roster roster;
    for (const uint64_t lane : lanes) roster.add_lanes(lane);
    roster.set_complete(complete);
    return roster;
  }
  static Hello HelloOf(uint64_t lane, const Roster& roster = {}) {
    Hello hello;
    hello.set_lane_id(lane);
    *hello.mutable_roster() = roster;
    return hello;
  }
  // A lane that knew the earlier core.
  void Return(uint64_t lane, const Roster& roster, absl::Duration at) {
    hold_.OnHello(HelloOf(lane, roster), true, kStart + at);
  }
  // A lane that knew none.
  void Come(uint64_t lane, absl::Duration at = absl::ZeroDuration()) {
    hold_.OnHello(HelloOf(lane), false, kStart + at);
  }
  bool OverAt(absl::Duration at) {
    const bool ended = hold_.End(kStart + at);
    EXPECT_EQ(ended, !hold_.holding());
    return ended;
  }

  ReturnHold hold_{kStart};
};

TEST_F(ReturnHoldTest, ACoreThatWasNotRestartedHoldsForAMoment) {
  EXPECT_TRUE(hold_.holding());
  Come(1);
  EXPECT_FALSE(OverAt(kStartHold - kInstant));
  EXPECT_FALSE(hold_.restarted());
  EXPECT_TRUE(OverAt(kStartHold));
  EXPECT_FALSE(hold_.End(kStart + kStartHold)) << "it ends once";
}

TEST_F(ReturnHoldTest, ARestartedOneWaitsForAllLanesThatTheFirstKnew) {
  Return(1, Of({1, 2, 3}), absl::ZeroDuration());
  EXPECT_TRUE(hold_.restarted());
  hold_.OnFinished(1);
  EXPECT_FALSE(OverAt(kStartHold));
  Return(2, Of({1, 2, 3}), kStartHold);
  EXPECT_TRUE(hold_.awaits(2));
  EXPECT_TRUE(hold_.awaits(3));
  EXPECT_FALSE(hold_.awaits(1));
  hold_.OnFinished(2);
  Return(3, Of({1, 2, 3}), kStartHold);
  EXPECT_FALSE(OverAt(kStartHold)) << "it has not told its snapshot";
  hold_.OnFinished(3);
  EXPECT_TRUE(OverAt(kStartHold));
}

TEST_F(ReturnHoldTest, LanesThatAnEarlierCoreStillWaitedForAreWaitedForToo) {
  Roster roster = Of({1});
  roster.add_awaited(2);
  Return(1, roster, absl::ZeroDuration());
  hold_.OnFinished(1);
  EXPECT_TRUE(hold_.awaits(2));
  EXPECT_FALSE(OverAt(kStartHold));
  Return(2, {}, kStartHold);
  hold_.OnFinished(2);
  EXPECT_TRUE(OverAt(kStartHold));
}

TEST_F(ReturnHoldTest, ALaneThatDoesNotReturnIsWaitedForNoLongerThanThePatience) {
  Return(1, Of({1, 2}), absl::ZeroDuration());
  hold_.OnFinished(1);
  EXPECT_FALSE(OverAt(kPatience - kInstant));
  EXPECT_TRUE(hold_.awaits(2));
  EXPECT_TRUE(OverAt(kPatience));
}

TEST_F(ReturnHoldTest, ALaneIsAwaitedWhileItsSnapshotMakesProgress) {
  Return(1, Of({1}), absl::ZeroDuration());
  for (int i = 1; i <= 4; ++i) {
    const absl::Duration at = i * (kPatience - kInstant);
    EXPECT_FALSE(OverAt(at)) << i;
    hold_.OnProgress(1, kStart + at);
    hold_.OnProgress(2, kStart + at);  // nobody waits for it
  }
  const absl::Duration at = 4 * (kPatience - kInstant);
  EXPECT_FALSE(OverAt(at + kPatience - kInstant));
  EXPECT_TRUE(OverAt(at + kPatience));
}

TEST_F(ReturnHoldTest, ACoreThatWasStoppedWaitsTheWholeTimeAgain) {
  Return(1, Of({1, 2}), absl::ZeroDuration());
  hold_.Excuse(kStart + kPatience);
  EXPECT_FALSE(OverAt(2 * kPatience - kInstant));
  EXPECT_TRUE(OverAt(2 * kPatience));
}

TEST_F(ReturnHoldTest, HeldRelaysOfALaneCanBeDropped) {
  for (uint64_t seq = 1; seq <= 4; ++seq) {
    LaneEvent event;
    event.set_seq(seq);
    hold_.Add(1 + seq % 2, event);
  }
  hold_.Forget(2);
  EXPECT_EQ(hold_.cost(2), 0u);
  EXPECT_EQ(hold_.cost(), hold_.cost(1));
  hold_.Forget(3);
  Come(1);
  ASSERT_TRUE(OverAt(kStartHold));
  hold_.TakeFirst();
  EXPECT_TRUE(hold_.releasing());
  hold_.TakeFirst();
  EXPECT_FALSE(hold_.releasing());
}

TEST_F(ReturnHoldTest, AllTogetherAreWaitedForNoLongerThanTheLimit) {
  Return(1, Of({1}), absl::Seconds(1));
  absl::Duration at = absl::Seconds(1);
  for (; at < absl::Seconds(1) + kLimit; at += absl::Seconds(1)) {
    hold_.OnProgress(1, kStart + at);
    ASSERT_FALSE(OverAt(at)) << at;
  }
  hold_.OnProgress(1, kStart + at);
  EXPECT_TRUE(OverAt(absl::Seconds(1) + kLimit));
}

TEST_F(ReturnHoldTest, LanesThatReturnRepeatedlyDoNotExtendTheLimit) {
  Return(1, Of({1, 2}), absl::ZeroDuration());
  absl::Duration at;
  for (; at < kLimit; at += kPatience / 2) {
    Return(1, Of({1, 2}), at);
    ASSERT_FALSE(OverAt(at)) << at;
  }
  EXPECT_TRUE(OverAt(kLimit));
}

TEST_F(ReturnHoldTest, ALaneThatHasLeftIsNotAwaitedThoughOthersKnowIt) {
  Return(1, Of({1}), absl::ZeroDuration());
  Return(2, Of({1, 2}), absl::ZeroDuration());
  hold_.OnFinished(1);  // given up
  Return(3, Of({1, 3}), absl::ZeroDuration());
  EXPECT_FALSE(hold_.awaits(1));
  hold_.OnFinished(2);
  hold_.OnFinished(3);
  EXPECT_TRUE(OverAt(kStartHold));
}

TEST_F(ReturnHoldTest, OneThatOpensALinkAgainIsWaitedForAgain) {
  Return(1, Of({1}), absl::ZeroDuration());
  hold_.OnFinished(1);
  Return(1, Of({1}), kInstant);
  EXPECT_TRUE(hold_.awaits(1));
  EXPECT_FALSE(OverAt(kStartHold));
}

TEST_F(ReturnHoldTest, LanesThatKnewOnlySomeOfTheOthersWaitForThePatienceInAnyCase) {
  Return(1, Of({1}, false), absl::ZeroDuration());
  hold_.OnFinished(1);
  EXPECT_THAT(hold_.awaited(), IsEmpty());
  EXPECT_FALSE(OverAt(kPatience - kInstant)) << "another may know more";
  EXPECT_TRUE(OverAt(kPatience));
}

TEST_F(ReturnHoldTest, ANewLaneNeitherWaitsNorIsAwaited) {
  hold_.OnHello(HelloOf(1, Of({1, 2, 3})), false, kStart);
  EXPECT_FALSE(hold_.restarted());
  EXPECT_THAT(hold_.awaited(), IsEmpty());
  EXPECT_TRUE(OverAt(kStartHold));
}

TEST_F(ReturnHoldTest, ItEndsOnce) {
  Come(9);
  EXPECT_TRUE(OverAt(kStartHold));
  Return(1, Of({1, 2}), absl::Seconds(5));
  EXPECT_FALSE(hold_.holding());
  EXPECT_FALSE(hold_.awaits(2));
}

TEST_F(ReturnHoldTest, HeldRelaysAreReturnedInOrderAndTheirCostIsCountedPerLane) {
  EXPECT_EQ(hold_.cost(), 0u);
  for (uint64_t seq = 1; seq <= 4; ++seq) {
    LaneEvent event;
    event.set_seq(seq);
    event.set_payload(std::string(1000, 'x'));
    hold_.Add(1 + seq % 2, event);
  }
  LaneEvent like;
  like.set_seq(1);
  like.set_payload(std::string(1000, 'x'));
  EXPECT_EQ(hold_.cost(1), 2 * link::CostOf(like));
  EXPECT_EQ(hold_.cost(2), 2 * link::CostOf(like));
  EXPECT_EQ(hold_.cost(3), 0u);
  EXPECT_EQ(hold_.cost(), 4 * link::CostOf(like));
  std::vector<std::string> order;
  EXPECT_FALSE(hold_.releasing()) << "it is still holding";
  Come(1);
  ASSERT_TRUE(OverAt(kStartHold));
  while (hold_.releasing()) {
    const ReturnHold::Held held = hold_.TakeFirst();
    order.push_back(std::to_string(held.lane_id) + ":" + std::to_string(held.event.seq()));
    EXPECT_EQ(hold_.cost(), (4 - order.size()) * link::CostOf(like));
  }
  EXPECT_THAT(order, ElementsAre("2:1", "1:2", "2:3", "1:4"));
  EXPECT_EQ(hold_.cost(), 0u);
  EXPECT_EQ(hold_.cost(1), 0u);
}

// ---- lanes that had not finished

using UnfinishedTest = ReturnHoldTest;

TEST_F(UnfinishedTest, AreThoseThatWereWaitedForInVain) {
  Return(1, Of({1, 2, 3}), absl::ZeroDuration());
  Return(2, Of({1, 2, 3}), absl::ZeroDuration());
  hold_.OnFinished(1);
  ASSERT_TRUE(hold_.End(kStart + kPatience));
  EXPECT_THAT(hold_.TakeUnfinished(), UnorderedElementsAre(2, 3));
  EXPECT_THAT(hold_.TakeUnfinished(), IsEmpty());
  EXPECT_EQ(hold_.limit(), kStart + kLimit);
}

TEST_F(UnfinishedTest, AreNotThoseThatFinishedAfterAllWhileAnotherWasWaitedFor) {
  Return(1, Of({1, 2, 3}), absl::ZeroDuration());
  hold_.OnProgress(1, kStart + kPatience);
  ASSERT_FALSE(hold_.End(kStart + kPatience)) << "2 and 3 are not waited for";
  EXPECT_FALSE(hold_.awaits(2));
  Return(2, Of({1, 2, 3}), kPatience);
  hold_.OnFinished(2);
  hold_.OnFinished(1);
  ASSERT_TRUE(hold_.End(kStart + kPatience));
  EXPECT_THAT(hold_.TakeUnfinished(), UnorderedElementsAre(3));
}

// ---- a hold that begins again

using ReopenTest = ReturnHoldTest;

TEST_F(ReopenTest, HoldsForTheLaneThatComes) {
  hold_.OnHello(HelloOf(9), false, kStart);
  ASSERT_TRUE(hold_.End(kStart + kStartHold));
  const absl::Duration later = absl::Minutes(1);
  hold_.Reopen();
  EXPECT_TRUE(hold_.holding());
  Return(1, Of({1, 2}), later);
  EXPECT_TRUE(hold_.restarted());
  EXPECT_FALSE(hold_.End(kStart + later));
  Return(2, Of({1, 2}), later);
  hold_.OnFinished(1);
  EXPECT_FALSE(hold_.End(kStart + later + kPatience - kInstant));
  hold_.OnFinished(2);
  EXPECT_TRUE(hold_.End(kStart + later + kPatience - kInstant));
  EXPECT_FALSE(hold_.holding());
}

TEST_F(ReopenTest, WaitsNoLongerThanTheFirstTime) {
  hold_.OnHello(HelloOf(9), false, kStart);
  ASSERT_TRUE(hold_.End(kStart + kStartHold));
  const absl::Duration later = absl::Minutes(1);
  hold_.Reopen();
  Return(1, Of({1, 2}), later);
  hold_.OnFinished(1);
  EXPECT_TRUE(hold_.End(kStart + later + kPatience));
  EXPECT_THAT(hold_.TakeUnfinished(), UnorderedElementsAre(2));
  EXPECT_EQ(hold_.limit(), kStart + later + kLimit);
}

}  // namespace
}  // namespace cairn::core

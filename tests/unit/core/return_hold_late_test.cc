// ReturnHold: lanes that had not finished when the hold ended, and a hold that begins again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>

#include "core/return_hold.h"
#include "proto/link/timing.h"

namespace cairn::core {
namespace {

using signaling::v1::Hello;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const absl::Duration kStart = absl::Hours(1);
const absl::Duration kStartHold = absl::FromChrono(link::kStartHold);
const absl::Duration kPatience = absl::FromChrono(link::kReturnPatience);
const absl::Duration kLimit = absl::FromChrono(link::kReturnLimit);
constexpr absl::Duration kInstant = absl::Microseconds(1);

Hello HelloOf(uint64_t lane, std::initializer_list<uint64_t> roster) {
  Hello hello;
  hello.set_lane_id(lane);
  for (const uint64_t id : roster) hello.mutable_roster()->add_lanes(id);
  hello.mutable_roster()->set_complete(true);
  return hello;
}

class UnfinishedTest : public testing::Test {
 protected:
  void Return(uint64_t lane, std::initializer_list<uint64_t> roster,
              absl::Duration at = absl::ZeroDuration()) {
    hold_.OnHello(HelloOf(lane, roster), true, kStart + at);
  }

  ReturnHold hold_{kStart};
};

TEST_F(UnfinishedTest, AreThoseThatWereWaitedForInVain) {
  Return(1, {1, 2, 3});
  Return(2, {1, 2, 3});
  hold_.OnFinished(1);
  ASSERT_TRUE(hold_.End(kStart + kPatience));
  EXPECT_THAT(hold_.TakeUnfinished(), UnorderedElementsAre(2, 3));
  EXPECT_THAT(hold_.TakeUnfinished(), IsEmpty());
  EXPECT_EQ(hold_.limit(), kStart + kLimit);
}

TEST_F(UnfinishedTest, AreNotThoseThatFinishedAfterAllWhileAnotherWasWaitedFor) {
  Return(1, {1, 2, 3});
  hold_.OnProgress(1, kStart + kPatience);
  ASSERT_FALSE(hold_.End(kStart + kPatience)) << "2 and 3 are not waited for";
  EXPECT_FALSE(hold_.awaits(2));
  Return(2, {1, 2, 3}, kPatience);
  hold_.OnFinished(2);
  hold_.OnFinished(1);
  ASSERT_TRUE(hold_.End(kStart + kPatience));
  EXPECT_THAT(hold_.TakeUnfinished(), UnorderedElementsAre(3));
}

// ---- a hold that begins again

using ReopenTest = UnfinishedTest;

TEST_F(ReopenTest, HoldsForTheLaneThatComes) {
  hold_.OnHello(HelloOf(9, {}), false, kStart);
  ASSERT_TRUE(hold_.End(kStart + kStartHold));
  const absl::Duration later = absl::Minutes(1);
  hold_.Reopen();
  EXPECT_TRUE(hold_.holding());
  Return(1, {1, 2}, later);
  EXPECT_TRUE(hold_.restarted());
  EXPECT_FALSE(hold_.End(kStart + later));
  Return(2, {1, 2}, later);
  hold_.OnFinished(1);
  EXPECT_FALSE(hold_.End(kStart + later + kPatience - kInstant));
  hold_.OnFinished(2);
  EXPECT_TRUE(hold_.End(kStart + later + kPatience - kInstant));
  EXPECT_FALSE(hold_.holding());
}

TEST_F(ReopenTest, WaitsNoLongerThanTheFirstTime) {
  hold_.OnHello(HelloOf(9, {}), false, kStart);
  ASSERT_TRUE(hold_.End(kStart + kStartHold));
  const absl::Duration later = absl::Minutes(1);
  hold_.Reopen();
  Return(1, {1, 2}, later);
  hold_.OnFinished(1);
  EXPECT_TRUE(hold_.End(kStart + later + kPatience));
  EXPECT_THAT(hold_.TakeUnfinished(), UnorderedElementsAre(2));
  EXPECT_EQ(hold_.limit(), kStart + later + kLimit);
}

}  // namespace
}  // namespace cairn::core

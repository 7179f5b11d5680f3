// Lanes that a core between theirs and this one has passed over, and a hold that begins again.
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

// The earlier cores.
constexpr uint64_t kA = 100;
constexpr uint64_t kB = 200;

struct Known {
  uint64_t core;
  uint64_t version;
  std::initializer_list<uint64_t> lanes;
  bool complete = true;
};

Hello HelloOf(uint64_t lane, const Known& known) {
  Hello hello;
  hello.set_lane_id(lane);
  for (const uint64_t id : known.lanes) hello.mutable_roster()->add_lanes(id);
  hello.mutable_roster()->set_complete(known.complete);
  signaling::v1::RosterStamp* stamp = hello.mutable_roster()->mutable_stamp();
  stamp->set_core_id(known.core);
  stamp->set_version(known.version);
  stamp->set_generation(known.core);  // kB came after kA
  *hello.mutable_told() = *stamp;
  return hello;
}

class PassedOverTest : public testing::Test {
 protected:
  void Return(uint64_t lane, const Known& known, absl::Duration at = absl::ZeroDuration()) {
    hold_.OnHello(HelloOf(lane, known), true, kStart + at);
  }

  ReturnHold hold_{kStart};
};

TEST_F(PassedOverTest, AreNoneWhenAllComeFromOneCore) {
  Return(1, {kA, 3, {1, 2}});
  Return(2, {kA, 3, {1, 2}});
  EXPECT_THAT(hold_.TakePassedOver(), IsEmpty());
}

TEST_F(PassedOverTest, IsALaneThatACoreBetweenDidNotKnowInEveryOrderOfReturn) {
  Return(1, {kB, 1, {1, 3}});
  Return(2, {kA, 9, {1, 2, 3}});
  EXPECT_THAT(hold_.TakePassedOver(), UnorderedElementsAre(2));
  EXPECT_THAT(hold_.TakePassedOver(), IsEmpty()) << "it is told once";
  ReturnHold other(kStart);
  other.OnHello(HelloOf(2, {kA, 9, {1, 2, 3}}), true, kStart);
  other.OnHello(HelloOf(1, {kB, 1, {1, 3}}), true, kStart);
  EXPECT_THAT(other.TakePassedOver(), UnorderedElementsAre(2));
}

TEST_F(PassedOverTest, IsALaneThatTheCoreHasGivenUpSince) {
  Return(1, {kA, 5, {1}});
  Return(2, {kA, 3, {1, 2}});
  EXPECT_THAT(hold_.TakePassedOver(), UnorderedElementsAre(2));
}

TEST_F(PassedOverTest, IsNotALaneThatKnowsTheCoresRosterAsWellOrBetter) {
  Return(1, {kA, 5, {1}});
  Return(2, {kA, 6, {1, 2}});
  EXPECT_THAT(hold_.TakePassedOver(), IsEmpty()) << "it came when the other had not been told yet";
}

TEST_F(PassedOverTest, IsNotDecidedByAnOlderRoster) {
  Return(1, {kA, 6, {1, 2}});
  Return(3, {kA, 5, {1, 3}});
  Return(2, {kB, 1, {1, 2, 3}});
  EXPECT_THAT(hold_.TakePassedOver(), UnorderedElementsAre(3)) << "not in the newer one";
}

TEST_F(PassedOverTest, IsNotALaneThatACoreStillWaitedFor) {
  Return(1, {kA, 9, {1, 2, 3}, false});
  Return(2, {kA, 9, {1, 2}});
  EXPECT_THAT(hold_.TakePassedOver(), IsEmpty());
}

TEST_F(PassedOverTest, IsALaneThatIsInTheRosterWithALinkThatItHasNeverHeardOf) {
  const auto hello_of = [](uint64_t lane, const Known& known, uint64_t core, uint64_t link) {
    Hello hello = HelloOf(lane, known);
    hello.set_core_id(core);
    hello.set_link(link);
    return hello;
  };
  Hello one = hello_of(1, {kB, 5, {1, 2, 3, 4, 5}}, kB, 11);
  for (const uint64_t link : {11u, 12u, 13u, 14u, 0u}) one.mutable_roster()->add_links(link);
  hold_.OnHello(one, true, kStart);
  hold_.OnHello(hello_of(2, {kB, 4, {1, 2}}, kB, 12), true, kStart);
  hold_.OnHello(hello_of(3, {kB, 4, {1, 3}}, kB, 9), true, kStart);
  hold_.OnHello(hello_of(4, {kA, 9, {1, 4}}, kA, 14), true, kStart);
  hold_.OnHello(hello_of(5, {kA, 9, {1, 5}}, kA, 15), true, kStart);
  EXPECT_THAT(hold_.TakePassedOver(), UnorderedElementsAre(3, 4))
      << "3 was given up since, 4 has not heard of that core, of 5 the core knew no link";
}

TEST_F(PassedOverTest, IsALaneOfACoreThatTheOtherCoreHasNeverHeardOf) {
  const auto of_one_generation = [](uint64_t lane, const Known& known) {
    Hello hello = HelloOf(lane, known);
    hello.mutable_roster()->mutable_stamp()->set_generation(1);
    hello.mutable_told()->set_generation(1);
    return hello;
  };
  hold_.OnHello(of_one_generation(1, {kA, 3, {1, 3}}), true, kStart);
  hold_.OnHello(of_one_generation(2, {kB, 3, {2, 3}}), true, kStart);
  hold_.OnHello(of_one_generation(3, {kB, 3, {2, 3}}), true, kStart);
  EXPECT_THAT(hold_.TakePassedOver(), UnorderedElementsAre(1, 2));
}

TEST_F(PassedOverTest, IsNotALaneThatIsNew) {
  Return(1, {kA, 9, {1}});
  hold_.OnHello(HelloOf(2, {}), false, kStart);
  EXPECT_THAT(hold_.TakePassedOver(), IsEmpty());
}

TEST_F(PassedOverTest, MayReturnAfterTheHold) {
  Return(1, {kB, 1, {1, 3}});
  hold_.OnFinished(1);
  hold_.OnFinished(3);
  ASSERT_TRUE(hold_.End(kStart + kStartHold));
  EXPECT_THAT(hold_.TakePassedOver(), IsEmpty());
  Return(2, {kA, 9, {1, 2, 3}}, kPatience);
  Return(3, {kA, 9, {1, 2, 3}}, kPatience);
  EXPECT_THAT(hold_.TakePassedOver(), UnorderedElementsAre(2));
}

TEST_F(PassedOverTest, MayBeKnownOnlyWhenAnotherComes) {
  Return(2, {kA, 9, {2}});
  hold_.OnFinished(2);
  ASSERT_TRUE(hold_.End(kStart + kStartHold));
  EXPECT_THAT(hold_.TakePassedOver(), IsEmpty());
  Return(1, {kB, 1, {1}}, kPatience);
  EXPECT_THAT(hold_.TakePassedOver(), UnorderedElementsAre(2));
  Return(3, {kB, 2, {1, 3}}, kPatience);
  EXPECT_THAT(hold_.TakePassedOver(), IsEmpty()) << "it has been told";
}

TEST_F(PassedOverTest, IsNotALaneThatHasLeftOrWasToldAnyway) {
  Return(1, {kB, 1, {1}});
  Return(2, {kA, 9, {1, 2, 3}});
  Return(3, {kA, 9, {1, 2, 3}});
  hold_.OnGone(2);
  hold_.OnTold(3);
  EXPECT_THAT(hold_.TakePassedOver(), IsEmpty());
  EXPECT_FALSE(hold_.awaits(2));
}

TEST_F(PassedOverTest, IsLookedForInTheRostersOfTheFirstCoresOnly) {
  for (uint64_t core = 1; core <= 16; ++core) Return(core, {core, 1, {1000}});
  Return(1000, {0, 0, {}, false});
  Return(1001, {17, 1, {}});
  EXPECT_FALSE(hold_.TakePassedOver().contains(1000));
  Return(1002, {1, 2, {}});
  EXPECT_TRUE(hold_.TakePassedOver().contains(1000)) << "a newer roster of one of them";
}

// ---- lanes that had not finished

using UnfinishedTest = PassedOverTest;

TEST_F(UnfinishedTest, AreThoseThatWereWaitedForInVain) {
  Return(1, {kA, 1, {1, 2, 3}});
  Return(2, {kA, 1, {1, 2, 3}});
  hold_.OnFinished(1);
  ASSERT_TRUE(hold_.End(kStart + kPatience));
  EXPECT_THAT(hold_.TakeUnfinished(), UnorderedElementsAre(2, 3));
  EXPECT_THAT(hold_.TakeUnfinished(), IsEmpty());
  EXPECT_EQ(hold_.limit(), kStart + kLimit);
}

TEST_F(UnfinishedTest, AreNotThoseThatFinishedAfterAllWhileAnotherWasWaitedFor) {
  Return(1, {kA, 1, {1, 2, 3}});
  hold_.OnProgress(1, kStart + kPatience);
  ASSERT_FALSE(hold_.End(kStart + kPatience)) << "2 and 3 are not waited for";
  EXPECT_FALSE(hold_.awaits(2));
  Return(2, {kA, 1, {1, 2, 3}}, kPatience);
  hold_.OnFinished(2);
  hold_.OnFinished(1);
  ASSERT_TRUE(hold_.End(kStart + kPatience));
  EXPECT_THAT(hold_.TakeUnfinished(), UnorderedElementsAre(3));
}

// ---- a hold that begins again

using ReopenTest = PassedOverTest;

TEST_F(ReopenTest, HoldsForTheLaneThatComes) {
  hold_.OnHello(HelloOf(9, {}), false, kStart);
  ASSERT_TRUE(hold_.End(kStart + kStartHold));
  const absl::Duration later = absl::Minutes(1);
  hold_.Reopen();
  EXPECT_TRUE(hold_.holding());
  Return(1, {kA, 1, {1, 2}}, later);
  EXPECT_TRUE(hold_.restarted());
  EXPECT_FALSE(hold_.End(kStart + later));
  Return(2, {kA, 1, {1, 2}}, later);
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
  Return(1, {kA, 1, {1, 2}}, later);
  hold_.OnFinished(1);
  EXPECT_TRUE(hold_.End(kStart + later + kPatience));
  EXPECT_THAT(hold_.TakeUnfinished(), UnorderedElementsAre(2));
  EXPECT_EQ(hold_.limit(), kStart + later + kLimit);
}

}  // namespace
}  // namespace cairn::core

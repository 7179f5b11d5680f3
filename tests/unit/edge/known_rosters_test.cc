#include "edge/known_rosters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>

namespace cairn::edge {
namespace {

using signaling::v1::Hello;
using signaling::v1::Roster;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr bool kComplete = true;

class KnownRostersTest : public testing::Test {
 protected:
  // `core` 0: of a core that still holds relays.
  void Tell(std::initializer_list<uint64_t> lanes, uint64_t core, uint64_t version,
            bool complete = false) {
    Roster roster;
    for (const uint64_t lane : lanes) roster.add_lanes(lane);
    roster.set_complete(complete);
    if (core != 0) {
      roster.mutable_stamp()->set_core_id(core);
      roster.mutable_stamp()->set_version(version);
    }
    rosters_.OnRoster(roster);
  }
  Hello Said() const {
    Hello hello;
    rosters_.FillIn(hello);
    return hello;
  }

  KnownRosters rosters_;
};

TEST_F(KnownRostersTest, WhoIsWaitedForIsTheLastCompleteOneAndThoseNamedSince) {
  Tell({1, 2}, 77, 5, kComplete);
  EXPECT_THAT(Said().roster().lanes(), ElementsAre(1, 2));
  EXPECT_TRUE(Said().roster().complete());
  // A core that still waits must not make the lane forget whom the next one has to wait for.
  Tell({1, 44}, 0, 0);
  Tell({1, 2, 44, 45}, 0, 0);
  const Hello said = Said();
  EXPECT_THAT(said.roster().lanes(), ElementsAre(1, 2));
  EXPECT_THAT(said.roster().awaited(), ElementsAre(44, 45));
  EXPECT_TRUE(said.roster().complete());
  EXPECT_EQ(said.roster().stamp().core_id(), 77u) << "whose roster it was, the next core compares";
  EXPECT_EQ(said.roster().stamp().version(), 5u);
  EXPECT_THAT(said.undecided(), IsEmpty()) << "those of a core that holds say nothing";
  Tell({1}, 88, 2, kComplete);
  EXPECT_THAT(Said().roster().lanes(), ElementsAre(1));
  EXPECT_THAT(Said().roster().awaited(), IsEmpty());
  EXPECT_EQ(Said().roster().stamp().core_id(), 88u);
  EXPECT_EQ(Said().roster().stamp().version(), 2u);
}

TEST_F(KnownRostersTest, TheLastOfACoreThatHoldsNoLongerIsKeptUntilOneIsComplete) {
  Tell({1, 2, 3}, 77, 5, kComplete);
  Tell({1, 2, 3}, 88, 1);
  Tell({1, 3}, 88, 2);
  Tell({1, 2, 3, 4}, 0, 0);  // the next core, which holds
  const Hello said = Said();
  ASSERT_THAT(said.undecided(), SizeIs(1));
  EXPECT_THAT(said.undecided(0).lanes(), ElementsAre(1, 3)) << "2 was given up by that core";
  EXPECT_EQ(said.undecided(0).stamp().version(), 2u);
  EXPECT_EQ(said.told().core_id(), 88u);
  EXPECT_THAT(said.roster().awaited(), ElementsAre(4));
  Tell({1, 2, 3}, 99, 1, kComplete);
  EXPECT_THAT(Said().undecided(), IsEmpty());
}

TEST_F(KnownRostersTest, OfMoreCoresThanThatTheLastAreKept) {
  Tell({1}, 10, 1, kComplete);
  for (uint64_t core = 11; core <= 15; ++core) Tell({core}, core, 1);
  Tell({17}, 12, 2);
  const Hello said = Said();
  ASSERT_THAT(said.undecided(), SizeIs(KnownRosters::kMaxUndecided));
  EXPECT_EQ(said.undecided(0).stamp().core_id(), 13u);
  EXPECT_EQ(said.undecided(3).stamp().core_id(), 12u);
  EXPECT_THAT(said.undecided(3).lanes(), ElementsAre(17));
}

}  // namespace
}  // namespace cairn::edge

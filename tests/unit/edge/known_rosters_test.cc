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

class KnownRostersTest : public testing::Test {
 protected:
  // `core` 0: of a core that still holds relays.
  void Tell(std::initializer_list<uint64_t> lanes, uint64_t core, uint64_t version) {
    Roster roster;
    for (const uint64_t lane : lanes) roster.add_lanes(lane);
    roster.set_complete(core != 0);
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
  Tell({1, 2}, 77, 5);
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
  Tell({1}, 88, 2);
  EXPECT_THAT(Said().roster().lanes(), ElementsAre(1));
  EXPECT_THAT(Said().roster().awaited(), IsEmpty());
  EXPECT_EQ(Said().roster().stamp().core_id(), 88u);
  EXPECT_EQ(Said().roster().stamp().version(), 2u);
}

// A lane that forgets it would be told of losses that it has been told of.
TEST_F(KnownRostersTest, TheLastStampIsSaidWhetherItsRosterWasCompleteOrNot) {
  EXPECT_FALSE(Said().has_told() && Said().told().core_id() != 0);
  Tell({1, 2}, 77, 5);
  EXPECT_EQ(Said().told().version(), 5u);
  Roster incomplete;
  incomplete.add_lanes(1);
  incomplete.mutable_stamp()->set_core_id(77);
  incomplete.mutable_stamp()->set_version(6);
  rosters_.OnRoster(incomplete);
  EXPECT_EQ(Said().told().version(), 6u);
  EXPECT_EQ(Said().roster().stamp().version(), 5u);
  Tell({1}, 0, 0);
  EXPECT_EQ(Said().told().version(), 6u) << "a core that holds has no stamp";
}

}  // namespace
}  // namespace cairn::edge

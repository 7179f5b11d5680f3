#include "edge/seen_relays.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "proto/link/timing.h"

namespace cairn::edge {
namespace {

const absl::Duration kSeenAt = absl::Hours(1);
const absl::Duration kKept = absl::FromChrono(link::kSeenKept);

class SeenRelaysTest : public testing::Test {
 protected:
  void OnRoster(std::initializer_list<uint64_t> lanes, absl::Duration now) {
    signaling::v1::Roster roster;
    for (const uint64_t lane : lanes) roster.add_lanes(lane);
    seen_.OnRoster(roster, now);
  }
  SeenRelays seen_;
};

TEST_F(SeenRelaysTest, ARelayIsNewIfNoLaterOneOfItsOriginWasSeen) {
  EXPECT_TRUE(seen_.Take(1, 5));
  EXPECT_FALSE(seen_.Take(1, 5));
  EXPECT_FALSE(seen_.Take(1, 4));
  EXPECT_TRUE(seen_.Take(1, 7)) << "after a gap";
  EXPECT_TRUE(seen_.Take(2, 1)) << "of another origin";
  EXPECT_FALSE(seen_.Take(1, 6));
}

TEST_F(SeenRelaysTest, AnOriginThatIsNotInTheRosterIsRememberedForAWhileAndNoLonger) {
  seen_.Take(1, 5);
  seen_.Take(2, 5);
  OnRoster({1}, kSeenAt);
  seen_.Prune(kSeenAt + kKept - absl::Microseconds(1));
  EXPECT_EQ(seen_.size(), 2u);
  EXPECT_FALSE(seen_.Take(2, 5));
  seen_.Prune(kSeenAt + kKept);
  EXPECT_EQ(seen_.size(), 1u);
  EXPECT_FALSE(seen_.Take(1, 5)) << "of the roster";
  EXPECT_TRUE(seen_.Take(2, 5));
}

// The entry that was found last is remembered, but not beyond its life.
TEST_F(SeenRelaysTest, EntriesMayMoveAndEndBetweenTwoRelaysOfAnOrigin) {
  EXPECT_TRUE(seen_.Take(1, 5));
  for (uint64_t origin = 2; origin < 1000; ++origin) EXPECT_TRUE(seen_.Take(origin, 5));
  EXPECT_FALSE(seen_.Take(1, 5));
  OnRoster({}, kSeenAt);
  seen_.Prune(kSeenAt + kKept);
  EXPECT_EQ(seen_.size(), 0u);
  EXPECT_TRUE(seen_.Take(1, 1)) << "it is not remembered any longer";
  EXPECT_FALSE(seen_.Take(1, 1));
  EXPECT_EQ(seen_.size(), 1u);
}

TEST_F(SeenRelaysTest, AnOriginThatReturnsIsKept) {
  seen_.Take(1, 5);
  OnRoster({}, kSeenAt);
  OnRoster({1}, kSeenAt + kKept / 2);
  seen_.Prune(kSeenAt + 2 * kKept);
  EXPECT_FALSE(seen_.Take(1, 5));
}

TEST_F(SeenRelaysTest, TheTimeIsCountedFromTheLastRosterWithoutIt) {
  seen_.Take(1, 5);
  OnRoster({}, kSeenAt);
  OnRoster({1}, kSeenAt + kKept / 4);
  OnRoster({}, kSeenAt + kKept / 2);
  OnRoster({}, kSeenAt + kKept * 3 / 4);
  seen_.Prune(kSeenAt + kKept);
  EXPECT_FALSE(seen_.Take(1, 5));
  seen_.Prune(kSeenAt + kKept * 3 / 2);
  EXPECT_EQ(seen_.size(), 0u);
}

TEST_F(SeenRelaysTest, NoMoreAbsentOriginsThanTheBoundAreRemembered) {
  constexpr uint64_t kMany = SeenRelays::kMaxAbsent + 100;
  for (uint64_t round = 0; round < 3; ++round) {
    for (uint64_t lane = 1; lane <= kMany; ++lane) seen_.Take(round * kMany + lane, 1);
    OnRoster({}, kSeenAt + absl::Seconds(static_cast<int64_t>(round)));
    ASSERT_LE(seen_.size(), SeenRelays::kMaxAbsent);
  }
  EXPECT_FALSE(seen_.Take(3 * kMany, 1) && seen_.Take(3 * kMany - 1, 1));
}

TEST_F(SeenRelaysTest, AnOriginThatComesAndGoesDoesNotEvictOthers) {
  seen_.Take(1, 5);
  seen_.Take(2, 5);
  OnRoster({2}, kSeenAt);
  for (size_t i = 0; i <= 3 * SeenRelays::kMaxAbsent; ++i) {
    const absl::Duration now = kSeenAt + absl::Microseconds(static_cast<int64_t>(i));
    i % 2 == 0 ? OnRoster({}, now) : OnRoster({2}, now);
  }
  EXPECT_FALSE(seen_.Take(1, 5));
  EXPECT_FALSE(seen_.Take(2, 5));
}

}  // namespace
}  // namespace cairn::edge

#include "core/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/link/timing.h"
#include "tests/support/router_parts.h"

namespace cairn::core {
namespace {

using signaling::v1::Hello;
using signaling::v1::Welcome;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr uint64_t kCoreId = 77;
constexpr uint64_t kEarlier = 66;
const absl::Duration kStart = absl::FromChrono(link::kStartHold);

class RecoveryTest : public testing::Test {
 protected:
  // A lane that was told of these lanes by an earlier core.
  static Hello HelloOf(uint64_t lane, const std::vector<uint64_t>& roster) {
    Hello hello;
    hello.set_lane_id(lane);
    hello.set_core_id(kEarlier);
    hello.set_link(1);
    hello.mutable_roster()->set_complete(true);
    hello.mutable_roster()->mutable_stamp()->set_core_id(kEarlier);
    for (const uint64_t id : roster) {
      hello.mutable_roster()->add_lanes(id);
      hello.mutable_roster()->add_links(1);
    }
    return hello;
  }
  LaneRecord& Connect(uint64_t id, const std::vector<uint64_t>& roster) {
    Hello hello = HelloOf(id, roster);
    const Recovery::Outcome outcome = recovery_.OnHello(hello);
    LaneRecord& lane = parts_.AddLinkedLane(id, id * 100);
    lane.late = recovery_.late().Contains(id);
    recovery_.OnLaneAdded(lane, outcome);
    return lane;
  }
  void Pass(absl::Duration time) {
    parts_.turn.now += time;
    recovery_.EndHoldWhenDue();
    recovery_.GiveUpLateWhenDue();
  }

  RouterParts parts_;
  Recovery recovery_{kCoreId,       parts_.limits,   parts_.turn, parts_.directory,
                     parts_.output, parts_.counters, parts_.mesh};
};

TEST_F(RecoveryTest, RelaysAreHeldUntilEveryLaneOfTheRosterHasSentItsSnapshot) {
  LaneRecord& first = Connect(1, {1, 2});
  EXPECT_TRUE(recovery_.IsHeld(first));
  recovery_.OnSnapshotEnd(first);
  Pass(kStart);
  EXPECT_TRUE(recovery_.IsHeld(first)) << "the other has not come";
  recovery_.OnSnapshotEnd(Connect(2, {1, 2}));
  recovery_.EndHoldWhenDue();
  EXPECT_FALSE(recovery_.IsHeld(first));
  EXPECT_THAT(recovery_.late().lanes(), IsEmpty());
}

TEST_F(RecoveryTest, ARosterListsLanesThatAreConnectedAndThoseThatAreAwaited) {
  LaneRecord& first = Connect(1, {1, 2});
  const signaling::v1::Roster holding = RouterParts::Take(first).roster();
  EXPECT_THAT(holding.lanes(), UnorderedElementsAre(1, 2));
  EXPECT_THAT(holding.links(), UnorderedElementsAre(100, 0));
  EXPECT_FALSE(holding.complete());
  EXPECT_FALSE(holding.has_stamp()) << "lanes may still be told what they missed";
  recovery_.OnSnapshotEnd(first);
  recovery_.OnSnapshotEnd(Connect(2, {1, 2}));
  Pass(kStart);
  ASSERT_NE(first.roster_version, recovery_.roster_version());
  recovery_.AddRoster(first);
  const signaling::v1::Roster complete = RouterParts::Take(first).roster();
  EXPECT_THAT(complete.links(), UnorderedElementsAre(100, 200));
  EXPECT_TRUE(complete.complete());
  EXPECT_EQ(complete.stamp().core_id(), kCoreId);
  EXPECT_EQ(complete.stamp().version(), recovery_.roster_version());
  EXPECT_THAT(complete.stamp().earlier_cores(), ElementsAre(kEarlier));
}

TEST_F(RecoveryTest, ALateLaneCatchesUpOrIsToldThatItMissedRelays) {
  LaneRecord& first = Connect(1, {1, 2, 3});
  recovery_.OnSnapshotEnd(first);
  LaneRecord& second = Connect(2, {1, 2, 3});
  LaneRecord& third = Connect(3, {1, 2, 3});
  Pass(absl::FromChrono(link::kReturnLimit) / 2);
  EXPECT_FALSE(recovery_.hold().holding());
  EXPECT_TRUE(second.late && third.late);
  recovery_.OnSnapshotEnd(second);
  ASSERT_TRUE(recovery_.has_older());
  EXPECT_EQ(&recovery_.FirstCatchingUp(), &second);
  recovery_.OnCaughtUp(second);
  EXPECT_FALSE(recovery_.has_older());
  EXPECT_FALSE(second.late);
  RouterParts::Take(third);
  Pass(absl::FromChrono(link::kReturnLimit));
  EXPECT_FALSE(third.late);
  EXPECT_THAT(RouterParts::Notices(second), IsEmpty());
  EXPECT_THAT(RouterParts::Notices(third), ElementsAre("MISSED 0  0"));
}

TEST_F(RecoveryTest, ALaneIsInRostersWithoutItsLinkUntilItHasAcknowledgedThatItMissedRelays) {
  LaneRecord& lane = Connect(1, {1});
  recovery_.TellMissed(1);
  const signaling::v1::CoreToLane message = RouterParts::Take(lane);
  recovery_.AddRoster(lane);
  EXPECT_THAT(RouterParts::Take(lane).roster().links(), ElementsAre(kUnawareLink));
  const uint64_t version = recovery_.roster_version();
  recovery_.OnAcknowledged(lane, {});
  EXPECT_EQ(recovery_.roster_version(), version) << "another message";
  recovery_.OnAcknowledged(lane, message);
  EXPECT_GT(recovery_.roster_version(), version);
  recovery_.AddRoster(lane);
  EXPECT_THAT(RouterParts::Take(lane).roster().links(), ElementsAre(100));
}

TEST_F(RecoveryTest, ALaneThatComesAfterTheHoldIsLateOnceRelaysWereRouted) {
  recovery_.OnSnapshotEnd(Connect(1, {1}));
  Pass(kStart);
  ASSERT_FALSE(recovery_.hold().holding());
  parts_.counters.relays = 1;
  Hello late = HelloOf(2, {1, 2});
  EXPECT_EQ(recovery_.OnHello(late), Welcome::OUTCOME_LATE);
  Hello given_up = HelloOf(3, {});
  given_up.set_core_id(kCoreId);
  EXPECT_EQ(recovery_.OnHello(given_up), Welcome::OUTCOME_GIVEN_UP);
  Hello fresh;
  fresh.set_lane_id(4);
  EXPECT_EQ(recovery_.OnHello(fresh), Welcome::OUTCOME_NEW);
}

TEST_F(RecoveryTest, ABatchOfALaneOfWhichMuchIsHeldIsGivenBackAfterTheHold) {
  LaneRecord& lane = Connect(1, {1, 2});
  parts_.limits.max_held_bytes_per_lane = 1;
  FakeLaneStream stream;
  signaling::v1::LaneToCore batch;
  recovery_.GiveBack(lane, stream, batch);
  EXPECT_EQ(stream.handled, 1) << "nothing of it is held";
  signaling::v1::LaneEvent relay;
  relay.set_seq(1);
  recovery_.hold().Add(1, relay);
  recovery_.GiveBack(lane, stream, batch);
  EXPECT_EQ(stream.handled, 1);
  EXPECT_EQ(lane.withheld, 1u);
  recovery_.GiveBackWithheld();
  EXPECT_EQ(lane.withheld, 1u) << "the core still holds";
  recovery_.OnSnapshotEnd(lane);
  recovery_.StopAwaiting(2);
  Pass(kStart);
  ASSERT_TRUE(recovery_.hold().releasing());
  recovery_.hold().TakeFirst();
  recovery_.GiveBackWithheld();
  EXPECT_EQ(lane.withheld, 0u);
}

}  // namespace
}  // namespace cairn::core

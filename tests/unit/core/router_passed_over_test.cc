// Lanes that a core between theirs and this one did not wait for, and lanes that come when a core
// has waited in vain.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/return_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::Welcome;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kBetween = 66;

using RouterPassedOver = RouterReturn;

TEST_F(RouterPassedOver, ALaneIsToldWhenTheHoldEndsAndNoOtherIs) {
  const LanePtr one = Remember(1, {1, 3}, true, kBetween);
  EXPECT_EQ(Connect(one), Welcome::OUTCOME_NEW);
  const LanePtr three = Return(3, {1, 2, 3}), two = Return(2, {1, 2, 3});
  Say(one, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1));
  Say(three, Batch().SnapshotEnd());
  EXPECT_THAT(Notices(two), IsEmpty());
  PassStartHold();
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  const auto messages = two->TakeMessages();
  int notices = 0, deliveries = 0;
  for (const auto& message : messages) {
    for (const auto& notice : message.notices()) {
      EXPECT_EQ(notice.kind(), signaling::v1::Notice::KIND_MISSED);
      ++notices;
    }
    deliveries += message.deliveries_size();
  }
  EXPECT_EQ(notices, 1);
  EXPECT_EQ(deliveries, 1) << "from now on it misses nothing";
  EXPECT_THAT(Notices(one), IsEmpty());
  EXPECT_THAT(Notices(three), IsEmpty());
  EXPECT_EQ(router_->counters().lanes_late, 1u);
}

TEST_F(RouterPassedOver, ALaneThatIsLateTooIsToldAtOnceAndStillGetsWhatIsKeptForIt) {
  const LanePtr one = Remember(1, {1, 3}, true, kBetween);
  Connect(one);
  const LanePtr three = Return(3, {1, 2, 3});
  Say(one, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1));
  Say(three, Batch().SnapshotEnd());
  Pass(kPatience);
  EXPECT_FALSE(router_->hold().holding());
  const LanePtr two = Return(2, {1, 2, 3});
  EXPECT_THAT(Notices(two), ElementsAre("MISSED 0  0"));
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_THAT(Delivered(two), ElementsAre(1));
  Pass(kLimit);
  EXPECT_THAT(Notices(two), IsEmpty());
  EXPECT_EQ(router_->counters().lanes_late, 1u);
}

TEST_F(RouterPassedOver, ALaneIsToldWhenAnotherBringsTheRosterLater) {
  const LanePtr two = Return(2, {2});
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd().Relayed(20, "u", 1));
  PassStartHold();
  EXPECT_EQ(router_->counters().relays, 1u);
  EXPECT_THAT(Notices(two), IsEmpty());
  const LanePtr one = Remember(1, {1}, true, kBetween);
  EXPECT_EQ(Connect(one), Welcome::OUTCOME_LATE);
  EXPECT_THAT(Notices(two), ElementsAre("MISSED 0  0"));
  EXPECT_THAT(Notices(one), IsEmpty()) << "its Welcome says so";
}

// If the core ends before that, the next one has to tell it.
TEST_F(RouterPassedOver, OthersKnowThatALaneHasNotAcknowledgedYetThatItMissedRelays) {
  const LanePtr two = Return(2, {2});
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd().Relayed(20, "u", 1));
  PassStartHold();
  const LanePtr one = Remember(1, {1}, true, kBetween);
  EXPECT_EQ(Connect(one), Welcome::OUTCOME_LATE);
  Say(one, Batch().SnapshotEnd());
  const auto link_of_two = [&] {
    TickNow();
    const auto roster = LastRoster(one);
    for (int i = 0; i < roster.lanes_size(); ++i) {
      if (roster.lanes(i) == 2) return roster.links(i);
    }
    return uint64_t{0};
  };
  EXPECT_EQ(link_of_two(), kUnawareLink);
  EXPECT_THAT(Notices(two), ElementsAre("MISSED 0  0"));
  Answer(two);
  EXPECT_EQ(link_of_two(), two->link_number);
}

TEST_F(RouterPassedOver, NoLaneForgetsARelayBeforeItKnowsTheRoster) {
  const LanePtr one = Return(1, {1, 2});
  Say(one, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1));
  PassStartHold();
  const LanePtr two = Return(2, {1, 2});
  one->TakeMessages();
  Say(two, Batch().SnapshotEnd());  // the hold is over, and the relay is for nobody
  clock_.Advance(absl::Milliseconds(1));
  Say(one, Batch().Subscribed(10, "t"));
  Say(two, Batch().Opened(20).Subscribed(20, "u").Relayed(20, "t", 1));
  bool knows = false, forgets = false;
  for (const auto& message : one->TakeMessages()) {
    if (message.has_roster() && message.roster().complete()) {
      knows = true;
      EXPECT_EQ(message.roster().links_size(), message.roster().lanes_size());
    }
    if (message.settled_size() > 0) forgets = true;
    EXPECT_TRUE(knows || !forgets);
  }
  EXPECT_TRUE(forgets);
}

TEST_F(RouterPassedOver, ACoreTellsLanesOfTheCoresThatOthersHaveHeardOf) {
  const LanePtr one = Remember(1, {}, false);
  one->roster.clear_stamp();  // it has heard no more of that core than its Welcome
  one->earlier_cores = {4};
  EXPECT_EQ(Connect(one), Welcome::OUTCOME_NEW);
  EXPECT_THAT(one->welcome.earlier_cores(), ElementsAre(4, kEarlierCore));
}

// ---- a core that has routed nothing yet

using RouterReopens = RouterReturn;

TEST_F(RouterReopens, ALaneThatComesBeforeAnythingWasRoutedHasMissedNothingAndIsWaitedFor) {
  const LanePtr fresh = OpenInSnapshot(5);
  Say(fresh, Batch().Opened(50).SnapshotEnd());
  PassStartHold();
  EXPECT_FALSE(router_->hold().holding());
  Pass(absl::Minutes(1));
  const LanePtr one = Return(1, {1, 2});
  EXPECT_TRUE(router_->hold().holding());
  Say(fresh, Batch().Relayed(50, "t", 1));
  Say(one, Batch().Opened(10).Known(10, "t").SnapshotEnd());
  Pass(kPatience / 2);
  EXPECT_THAT(Delivered(one), IsEmpty()) << "2 may be about to come";
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_THAT(Delivered(one), ElementsAre(1));
  EXPECT_THAT(Delivered(two), ElementsAre(1));
  EXPECT_EQ(router_->counters().lanes_late, 0u);
  TickNow();
  EXPECT_TRUE(LastRoster(fresh).complete());
}

}  // namespace
}  // namespace cairn::core

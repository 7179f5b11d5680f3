// Lanes that a restarted core no longer holds relays for: what is kept for them, and when they have
// missed something.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/fake_edge_sink.h"
#include "tests/support/return_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::LaneEvent;
using signaling::v1::Welcome;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// Lane 1 has reconnected, with peer 10; the core has stopped waiting for lane 2.
class RouterLate : public RouterReturn {
 protected:
  RouterLate() { Begin(); }

  void Begin() {
    one_ = Return(1, {1, 2});
    Say(one_, Batch().Opened(10).Known(10, "t").SnapshotEnd());
    Pass(kPatience);
    EXPECT_FALSE(router_->hold().holding());
    EXPECT_THAT(router_->late().lanes(), ElementsAre(2));
    one_->TakeMessages();
  }
  // With other limits than by default.
  void BeginAgain() {
    lanes_.clear();
    Restart(kCoreId);
    Begin();
  }
  // Until lanes that do not come are late.
  void PassLimit() { Pass(kLimit - kPatience); }

  LanePtr one_;
};

TEST_F(RouterLate, GetWhatWasRoutedWithoutThemInItsOrderAndBeforeWhatIsNewer) {
  const LanePtr three = Open(3);
  Say(three, Batch().Opened(30));
  Say(one_, Batch().Relayed(10, "t", 1).Relayed(10, "u", 2));
  Say(three, Batch().Relayed(30, "t", 1));
  Say(one_, Batch().Relayed(10, "t", 3));
  Pass(absl::Seconds(3));
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t"));
  Say(one_, Batch().Relayed(10, "t", 4));
  EXPECT_THAT(two->TakeDeliveries(), IsEmpty()) << "it has not told everything";
  Say(two, Batch().SnapshotEnd().Relayed(20, "t", 1));
  EXPECT_THAT(Origins(two), ElementsAre("1:1", "3:1", "1:3", "1:4"));
  Say(one_, Batch().Relayed(10, "t", 5));
  EXPECT_THAT(Origins(two), ElementsAre("1:5"));
  EXPECT_THAT(Origins(one_), ElementsAre("3:1", "2:1"));
  EXPECT_FALSE(router_->late().keeping());
  EXPECT_EQ(router_->late().cost(), 0u);
  EXPECT_EQ(router_->counters().lanes_late, 0u);
}

TEST_F(RouterLate, GetWhatWasHeldBeforeToo) {
  lanes_.clear();
  Restart(kCoreId);
  one_ = Return(1, {1, 2});
  Say(one_, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1));
  Pass(kPatience);
  Say(one_, Batch().Relayed(10, "t", 2));
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_THAT(Delivered(two), ElementsAre(1, 2));
}

TEST_F(RouterLate, GetAllOfItAlsoIfTheyWereTellingTheirSnapshotWhenTheHoldEnded) {
  lanes_.clear();
  Restart(kCoreId);
  one_ = Return(1, {1, 2});
  const LanePtr two = Return(2, {1, 2});
  Say(one_, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1));
  Say(two, Batch().Opened(20).Known(20, "t"));
  Pass(kPatience);
  Say(one_, Batch().Relayed(10, "t", 2));
  EXPECT_THAT(Delivered(two), IsEmpty()) << "its clients are told in order";
  Say(two, Batch().SnapshotEnd());
  EXPECT_THAT(Delivered(two), ElementsAre(1, 2));
}

TEST_F(RouterLate, GetARelayToOnePeerOnlyIfItIsTheirs) {
  const LanePtr three = Open(3);
  Say(three, Batch().Opened(30).Subscribed(30, "t"));
  Batch batch;
  for (const uint64_t to : {20u, 21u, 22u, 30u, 99u}) {
    batch.Relayed(10, "t", to);
    batch.last().set_to(to);
  }
  Say(one_, batch);
  EXPECT_THAT(Delivered(three), ElementsAre(30));
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t").Opened(21).Known(21, "t").Opened(22).Known(22, "u"));
  Say(two, Batch().SnapshotEnd());
  std::vector<uint64_t> addressees;
  for (const auto& delivery : two->TakeDeliveries()) addressees.push_back(delivery.to());
  EXPECT_THAT(addressees, ElementsAre(20, 21)) << "22 is not subscribed";
}

TEST_F(RouterLate, GetNoRelayOfTheirsBackButForOtherPeers) {
  const LanePtr two = Return(2, {1, 2});
  Say(two,
      Batch().Opened(20).Known(20, "t").Known(20, "u").Relayed(20, "t", 1).Relayed(20, "u", 2));
  Say(two, Batch().Opened(21).Known(21, "u"));
  EXPECT_THAT(Delivered(one_), ElementsAre(1));
  Say(two, Batch().SnapshotEnd());
  const auto deliveries = two->TakeDeliveries();
  ASSERT_THAT(deliveries, SizeIs(1));
  EXPECT_EQ(deliveries[0].origin_seq(), 2u);
  EXPECT_EQ(deliveries[0].from(), 20u) << "the edge leaves it out";
}

TEST_F(RouterLate, GetEverythingThatADeliveryHas) {
  Batch batch;
  batch.Relayed(10, "t", 1);
  batch.last().set_read_us(12345);
  LaneEvent& published = batch.Add(LaneEvent::KIND_PUBLISHED, 10);
  published.set_topic("t");
  published.set_payload("blob");
  published.set_seq(2);
  published.mutable_record()->set_connection(10);
  published.mutable_record()->set_ttl_us(60'000'000);
  Say(one_, batch);
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  const auto deliveries = two->TakeDeliveries();
  ASSERT_THAT(deliveries, SizeIs(2));
  EXPECT_EQ(deliveries[0].origin_lane(), 1u);
  EXPECT_EQ(deliveries[0].from(), 10u);
  EXPECT_EQ(deliveries[0].topic(), "t");
  EXPECT_EQ(deliveries[0].payload(), "payload 1");
  EXPECT_EQ(deliveries[0].read_us(), 12345);
  EXPECT_EQ(deliveries[1].payload(), "blob");
}

TEST_F(RouterLate, GetWhatLanesOfThisProcessRelayed) {
  const auto direct = std::make_shared<FakeEdgeSink>();
  Enter(DirectOpened{direct, FakeLane(5, "edge").Hello()});
  Enter(LaneBatch{direct, Batch().Opened(50).Relayed(50, "t", 1).message()});
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_THAT(Origins(two), ElementsAre("5:1"));
}

TEST_F(RouterLate, GetItOnceAlsoIfTheirStreamBreaks) {
  Say(one_, Batch().Relayed(10, "t", 1).Relayed(10, "t", 2));
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t"));
  Break(two);
  Say(two, Batch().SnapshotEnd());
  Say(one_, Batch().Relayed(10, "t", 3));
  EXPECT_EQ(Connect(two), Welcome::OUTCOME_RESUMED);
  EXPECT_THAT(Delivered(two), ElementsAre(1, 2, 3));
}

// ---- when it is settled

TEST_F(RouterLate, HoldUpTheSettlingOfARelayUntilTheyHaveIt) {
  Say(one_, Batch().Relayed(10, "t", 1).Relayed(10, "nobody's", 2));
  Pass(absl::Seconds(1));
  EXPECT_THAT(Settled(one_), IsEmpty());
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t"));
  EXPECT_THAT(Settled(one_), IsEmpty());
  Say(two, Batch().SnapshotEnd());
  EXPECT_THAT(Settled(one_), ElementsAre(2)) << "the other is on its way";
  EXPECT_THAT(Delivered(two), ElementsAre(1));
  Answer(two);
  EXPECT_THAT(Settled(one_), ElementsAre(1));
}

TEST_F(RouterLate, HoldItUpUntilTheLastOfThemHasIt) {
  lanes_.clear();
  Restart(kCoreId);
  one_ = Return(1, {1, 2, 3});
  Say(one_, Batch().Opened(10).SnapshotEnd());
  Pass(kPatience);
  Say(one_, Batch().Relayed(10, "t", 1));
  const LanePtr two = Return(2, {1, 2, 3});
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_THAT(Delivered(two), ElementsAre(1));
  Say(one_, Batch().Relayed(10, "t", 2));
  EXPECT_THAT(Delivered(two), ElementsAre(2));
  Answer(two);
  EXPECT_THAT(Settled(one_), IsEmpty());
  const LanePtr three = Return(3, {1, 2, 3});
  Say(three, Batch().Opened(30).Known(30, "t").SnapshotEnd());
  EXPECT_THAT(Delivered(three), ElementsAre(1, 2));
  EXPECT_THAT(Settled(one_), IsEmpty());
  Answer(three);
  EXPECT_THAT(Settled(one_), ElementsAre(1, 2));
}

// ---- lanes that have missed relays

TEST_F(RouterLate, ThatDoNotComeInTimeAreToldThatTheyAreLate) {
  Say(one_, Batch().Relayed(10, "t", 1));
  PassLimit();
  EXPECT_FALSE(router_->late().keeping());
  EXPECT_THAT(Settled(one_), ElementsAre(1));
  const LanePtr two = Remember(2, {1, 2});
  EXPECT_EQ(Connect(two), Welcome::OUTCOME_LATE);
  EXPECT_EQ(router_->counters().lanes_late, 1u);
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_THAT(Delivered(two), IsEmpty());
  Say(one_, Batch().Relayed(10, "t", 2));
  EXPECT_THAT(Delivered(two), ElementsAre(2));
}

TEST_F(RouterLate, ThatAreStillTellingTheirSnapshotThenAreToldThatTheirClientsMayHaveMissedRelays) {
  Say(one_, Batch().Relayed(10, "t", 1));
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t"));
  Pass(kLimit - kPatience - kInstant);
  EXPECT_THAT(Notices(two), IsEmpty());
  clock_.Advance(kInstant);
  TickNow();
  EXPECT_THAT(Notices(two), ElementsAre("MISSED 0  0"));
  EXPECT_THAT(Notices(one_), IsEmpty());
  EXPECT_EQ(router_->counters().lanes_late, 1u);
  Say(one_, Batch().Relayed(10, "t", 2));
  EXPECT_THAT(Delivered(two), ElementsAre(2)) << "for those that it has told of";
  Say(two, Batch().SnapshotEnd());
  EXPECT_THAT(two->TakeMessages(), IsEmpty());
}

TEST_F(RouterLate, HaveMissedSomethingWhenMoreThanTheBoundWouldBeKept) {
  limits_.max_late_bytes = 10'000;
  BeginAgain();
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t"));
  uint64_t seq = 0;
  while (router_->late().keeping()) {
    ASSERT_LT(seq, 100u);
    Batch batch;
    batch.Relayed(10, "t", ++seq);
    batch.last().set_payload(std::string(1000, 'x'));
    Say(one_, batch);
    TickNow();
  }
  EXPECT_GT(seq, 5u);
  EXPECT_LT(seq, 11u);
  EXPECT_EQ(router_->late().cost(), 0u);
  EXPECT_THAT(Notices(two), ElementsAre("MISSED 0  0"));
  TickNow();
  EXPECT_THAT(SettledIn(one_->TakeMessages()), SizeIs(seq));
}

TEST_F(RouterLate, ThatAreGivenUpAreNotWaitedFor) {
  limits_.lane_timeout = absl::FromChrono(link::kMinLaneTimeout);
  BeginAgain();
  Say(one_, Batch().Relayed(10, "t", 1));
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t"));
  Break(two);
  Pass(limits_.lane_timeout + kInstant);
  EXPECT_FALSE(router_->late().keeping());
  EXPECT_THAT(Settled(one_), ElementsAre(1));
  EXPECT_EQ(Connect(two), Welcome::OUTCOME_GIVEN_UP) << "its clients are told so";
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_THAT(Delivered(two), IsEmpty());
}

TEST_F(RouterLate, ThatBeginTheirLinkAgainAreStillWaitedFor) {
  Say(one_, Batch().Relayed(10, "t", 1));
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t"));
  two->core_id = 66;  // it was at another core meanwhile
  two->link->Detach();
  EXPECT_EQ(Connect(two), Welcome::OUTCOME_NEW);
  Say(two, Batch().Opened(20).Known(20, "t"));
  EXPECT_THAT(Delivered(two), IsEmpty());
  Say(two, Batch().SnapshotEnd());
  EXPECT_THAT(Delivered(two), ElementsAre(1));
  EXPECT_FALSE(router_->late().keeping());
}

TEST_F(RouterLate, ThatLeaveAreNotWaitedFor) {
  Say(one_, Batch().Relayed(10, "t", 1));
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Goodbye());
  Break(two);
  EXPECT_FALSE(router_->late().keeping());
  EXPECT_THAT(Settled(one_), ElementsAre(1));
}

TEST_F(RouterLate, OnesOriginThatIsGivenUpMeanwhileDoesNotTakeItsRelaysAlong) {
  limits_.lane_timeout = absl::FromChrono(link::kMinLaneTimeout);
  BeginAgain();
  Say(one_, Batch().Relayed(10, "t", 1));
  Break(one_);
  Pass(limits_.lane_timeout + kInstant);
  EXPECT_EQ(Connect(one_), Welcome::OUTCOME_GIVEN_UP);
  Say(one_, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1).Relayed(10, "t", 2));
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_THAT(Delivered(two), ElementsAre(1, 1, 2)) << "its edge drops the second";
  Answer(two);
  EXPECT_THAT(Settled(one_), ElementsAre(1, 2));
}

// ---- whom the next core has to wait for

TEST_F(RouterLate, AreInTheRosterWhichIsNotCompleteMeanwhile) {
  TickNow();
  const LanePtr fresh = OpenInSnapshot(3);
  const signaling::v1::Roster meanwhile = LastRoster(fresh);
  EXPECT_FALSE(meanwhile.complete());
  EXPECT_THAT(meanwhile.lanes(), UnorderedElementsAre(1, 2, 3));
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().SnapshotEnd());
  TickNow();
  const signaling::v1::Roster then = LastRoster(fresh);
  EXPECT_TRUE(then.complete());
  EXPECT_THAT(then.lanes(), UnorderedElementsAre(1, 2, 3));
  EXPECT_EQ(then.stamp().core_id(), kCoreId);
}

TEST_F(RouterLate, AreNotInItOnceTheyHaveMissedSomething) {
  PassLimit();
  TickNow();
  const signaling::v1::Roster roster = LastRoster(one_);
  EXPECT_TRUE(roster.complete());
  EXPECT_THAT(roster.lanes(), ElementsAre(1));
}

}  // namespace
}  // namespace cairn::core

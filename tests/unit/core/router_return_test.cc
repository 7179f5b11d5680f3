// After a restart of the core, relays are held until the lanes that knew the last core have
// reconnected.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

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

TEST_F(RouterReturn, RelaysOfTheFirstToReturnWaitForTheOthers) {
  const LanePtr one = Return(1, {1, 2});
  Say(one, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1).Relayed(10, "t", 2));
  PassStartHold();
  EXPECT_THAT(Settled(one), IsEmpty());
  const LanePtr two = Return(2, {1, 2});
  EXPECT_THAT(Delivered(two), IsEmpty());
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_THAT(Delivered(two), ElementsAre(1, 2));
  Say(one, Batch().Relayed(10, "t", 3));
  EXPECT_THAT(Delivered(two), ElementsAre(3));
}

TEST_F(RouterReturn, WhatIsHeldIsRoutedInTheOrderInWhichItCame) {
  const LanePtr one = Return(1, {1, 2, 3}), two = Return(2, {1, 2, 3}),
                three = Return(3, {1, 2, 3});
  for (const LanePtr& lane : {one, two}) Say(lane, Batch().Opened(lane->id * 10).SnapshotEnd());
  Say(one, Batch().Relayed(10, "t", 1));
  Say(two, Batch().Relayed(20, "t", 1));
  Say(one, Batch().Relayed(10, "t", 2));
  PassStartHold();
  Say(three, Batch().Opened(30).Known(30, "t").SnapshotEnd());
  EXPECT_THAT(Origins(three), ElementsAre("1:1", "2:1", "1:2"));
}

TEST_F(RouterReturn, RelaysWaitForALaneThatDoesNotReturnNoLongerThanThePatience) {
  const LanePtr one = Return(1, {1, 2, 3});
  const LanePtr two = Return(2, {1, 2, 3});
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  Say(one, Batch().SnapshotEnd().Relayed(10, "t", 1));
  Elapse(kPatience - kInstant);
  Call([](Router&) {});
  EXPECT_THAT(Delivered(two), IsEmpty());
  clock_.Advance(kInstant);
  Call([](Router&) {});
  EXPECT_THAT(Delivered(two), ElementsAre(1));
}

TEST_F(RouterReturn, ALaneThatBreaksWhileItsRelaysWaitIsHeardOnce) {
  const LanePtr one = Return(1, {1, 2});
  Say(one, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1));
  Break(one);
  Say(one, Batch().Relayed(10, "t", 2));
  EXPECT_EQ(Connect(one), Welcome::OUTCOME_RESUMED);
  const LanePtr two = Return(2, {1, 2});
  PassStartHold();
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_THAT(Delivered(two), ElementsAre(1, 2));
}

TEST_F(RouterReturn, RelaysOfALaneThatIsGivenUpWhileTheyWaitAreToldAgainByTheLane) {
  limits_.lane_timeout = absl::FromChrono(link::kMinLaneTimeout);
  Restart(kCoreId);
  const LanePtr one = Return(1, {1, 2});
  Say(one, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1).Relayed(10, "t", 2));
  TickNow();
  Answer(one);
  Break(one);
  Elapse(limits_.lane_timeout + kInstant);
  EXPECT_EQ(lane_count(), 0u);
  EXPECT_TRUE(router_->hold().holding());
  EXPECT_EQ(router_->hold().cost(), 0u);
  EXPECT_EQ(Connect(one), Welcome::OUTCOME_GIVEN_UP);
  Say(one, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1).Relayed(10, "t", 2));
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_THAT(Delivered(two), ElementsAre(1, 2));
  Answer(two);
  EXPECT_THAT(Settled(one), ElementsAre(1, 2));
}

TEST_F(RouterReturn, RelaysOfALaneThatDoesNotComeBackAreNotRoutedForIt) {
  limits_.lane_timeout = absl::FromChrono(link::kMinLaneTimeout);
  Restart(kCoreId);
  const LanePtr one = Return(1, {1, 2});
  Say(one, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1));
  Break(one);
  Elapse(limits_.lane_timeout + kInstant);
  const LanePtr two = Return(2, {1, 2});
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  Elapse(absl::FromChrono(link::kReturnPatience));
  EXPECT_FALSE(router_->hold().holding());
  EXPECT_THAT(Delivered(two), IsEmpty()) << "the lane has it, and may be at another core";
}

TEST_F(RouterReturn, NewLanesWaitTooAndAreToldThatTheRosterIsNotComplete) {
  const LanePtr one = Return(1, {1, 2});
  Say(one, Batch().Opened(10).Known(10, "t").SnapshotEnd());
  PassStartHold();
  const LanePtr fresh = OpenInSnapshot(3);
  const auto messages = fresh->TakeMessages();
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_FALSE(messages[0].roster().complete());
  EXPECT_THAT(messages[0].roster().lanes(), UnorderedElementsAre(1, 2, 3))
      << "also those that are waited for";
  Say(fresh, Batch().SnapshotEnd().Relayed(30, "t", 1));
  EXPECT_THAT(Delivered(one), IsEmpty());
  Elapse(kPatience);
  EXPECT_THAT(Delivered(one), ElementsAre(1));
  TickNow();
  const signaling::v1::Roster late = LastRoster(fresh);
  EXPECT_FALSE(late.complete()) << "relays are kept for one of them";
  EXPECT_THAT(late.lanes(), UnorderedElementsAre(1, 2, 3));
  Pass(kLimit - kPatience + absl::Seconds(1));
  const signaling::v1::Roster last = LastRoster(fresh);
  EXPECT_TRUE(last.complete());
  EXPECT_EQ(last.stamp().core_id(), kCoreId);
  EXPECT_THAT(last.lanes(), UnorderedElementsAre(1, 3));
}

TEST_F(RouterReturn, ACoreThatHasJustStartedHoldsForAMomentAndNoLonger) {
  const LanePtr one = OpenInSnapshot(1), two = OpenInSnapshot(2);
  Say(one, Batch().SnapshotEnd().Opened(10).Subscribed(10, "t"));
  one->TakeMessages();
  Say(two, Batch().SnapshotEnd().Relayed(20, "t", 1));
  EXPECT_THAT(Delivered(one), IsEmpty());
  PassStartHold();
  EXPECT_THAT(Delivered(one), ElementsAre(1));
  Say(two, Batch().Relayed(20, "t", 2));
  EXPECT_THAT(Delivered(one), ElementsAre(2));
}

TEST_F(RouterReturn, LanesOfThisProcessWaitOnlyIfOthersHaveReturned) {
  const auto direct = std::make_shared<FakeEdgeSink>();
  Enter(DirectOpened{direct, FakeLane(1, "edge").Hello()});
  Enter(LaneBatch{direct, Batch().Opened(10).Subscribed(10, "t").Relayed(99, "t", 1).message()});
  ASSERT_THAT(direct->TakeMessages(), SizeIs(1));
  // It has missed the relay.
  EXPECT_EQ(Connect(Remember(2, {2, 3})), Welcome::OUTCOME_LATE);
  EXPECT_EQ(router_->counters().lanes_late, 1u);
  Enter(LaneBatch{direct, Batch().Relayed(99, "t", 2).message()});
  EXPECT_THAT(direct->TakeMessages(), IsEmpty());
}

TEST_F(RouterReturn,
       ALaneWhoseSnapshotIsNotWaitedForAnyLongerIsToldThatItsClientsMayHaveMissedRelays) {
  const LanePtr one = Return(1, {1, 2}), slow = Return(2, {1, 2});
  Say(one, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1));
  Say(slow, Batch().Opened(20));
  Pass(kPatience);
  EXPECT_FALSE(router_->hold().holding());
  EXPECT_THAT(Notices(slow), IsEmpty()) << "what is routed is kept for it";
  Pass(kLimit - kPatience);
  EXPECT_THAT(Notices(slow), ElementsAre("MISSED 0  0"));
  EXPECT_THAT(Notices(one), IsEmpty());
  EXPECT_EQ(router_->counters().lanes_late, 1u);
}

TEST_F(RouterReturn, ALaneThatWasAtAnotherCoreMeanwhileIsHeardOnce) {
  const LanePtr one = Return(1, {1, 2});
  Say(one, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1).Relayed(10, "t", 2));
  one->core_id = 66;  // where it has told its relays, and tells them here again
  one->link->Detach();
  EXPECT_EQ(Connect(one), Welcome::OUTCOME_NEW);
  Say(one, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1).Relayed(10, "t", 2));
  const LanePtr two = Return(2, {1, 2});
  PassStartHold();
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_THAT(Delivered(two), ElementsAre(1, 2));
  Answer(two);
  EXPECT_THAT(Settled(one), ElementsAre(1, 2));
}

TEST_F(RouterReturn, ACoreThatWasStoppedWhileItHeldWaitsOn) {
  const LanePtr one = Return(1, {1, 2});
  Say(one, Batch().Opened(10).SnapshotEnd().Relayed(10, "t", 1));
  clock_.Advance(2 * kPatience);
  const LanePtr two = Return(2, {1, 2});
  EXPECT_TRUE(router_->hold().holding()) << "the other could not be heard";
  TickNow();
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_THAT(Delivered(two), ElementsAre(1));
}

TEST_F(RouterReturn, OfALaneNoMoreIsHeldThanTheBound) {
  limits_.max_held_bytes_per_lane = 100'000;
  Restart(kCoreId);
  const LanePtr one = Return(1, {1, 2}), other = Return(3, {1, 2});
  Say(one, Batch().Opened(10).SnapshotEnd());
  const int handled = one->stream->handled;
  uint64_t seq = 0;
  while (one->stream->handled == handled + static_cast<int>(seq)) {
    ASSERT_LT(seq, 1000u);
    Batch batch;
    batch.Relayed(10, "t", ++seq);
    batch.last().set_payload(std::string(10'000, 'x'));
    Say(one, batch);
  }
  EXPECT_GT(seq, 5u);
  EXPECT_LT(seq, 12u) << "it is read on";
  // Others are not concerned.
  Say(other, Batch().SnapshotEnd().Relayed(30, "u", 1));
  EXPECT_EQ(other->stream->handled, 2) << "its Hello too";
  Elapse(kPatience);
  EXPECT_EQ(one->stream->handled, handled + static_cast<int>(seq)) << "read on after the hold";
  EXPECT_EQ(router_->hold().cost(), 0u);
}

TEST_F(RouterReturn, ALaneThatIsNotReadIsNotGivenUpForWhatItCannotAcknowledge) {
  limits_.max_held_bytes_per_lane = 1000;
  limits_.lane_timeout = kPatience / 4;
  Restart(kCoreId);
  const LanePtr one = Return(1, {1, 2});
  Batch batch;
  batch.Opened(10).SnapshotEnd().Relayed(10, "t", 1);
  batch.last().set_payload(std::string(2000, 'x'));
  Say(one, batch);
  Elapse(kPatience / 2);
  EXPECT_TRUE(router_->hold().holding());
  EXPECT_THAT(one->stream->closes, IsEmpty());
  // Read on, it has to answer.
  Elapse(2 * kPatience);
  EXPECT_FALSE(router_->hold().holding());
  EXPECT_THAT(one->stream->closes, SizeIs(1));
}

TEST_F(RouterReturn, OfALaneOfThisProcessEveryBatchThatWasKeptIsGivenBack) {
  limits_.max_held_bytes_per_lane = 1000;
  Restart(kCoreId);
  const auto direct = std::make_shared<FakeEdgeSink>();
  Enter(DirectOpened{direct, FakeLane(1, "edge").Hello()});
  Return(2, {2, 3});
  // It hands in several before it looks whether they were handled.
  for (uint64_t seq = 1; seq <= 5; ++seq) {
    Batch batch;
    batch.Relayed(99, "t", seq);
    batch.last().set_payload(std::string(2000, 'x'));
    Enter(LaneBatch{direct, batch.message()});
  }
  EXPECT_EQ(direct->handled, 0);
  Elapse(kPatience);
  EXPECT_EQ(direct->handled, 5);
}

TEST_F(RouterReturn, APublishedRecordIsHeldLikeARelayAndOneOfASnapshotIsNot) {
  const LanePtr one = Return(1, {1, 2});
  const auto published = [](uint64_t seq, const std::string& topic) {
    Batch batch;
    LaneEvent& event = batch.Add(LaneEvent::KIND_PUBLISHED, 10);
    event.set_topic(topic);
    event.set_payload("blob");
    event.set_seq(seq);
    event.mutable_record()->set_connection(10);
    event.mutable_record()->set_blob("blob");
    event.mutable_record()->set_ttl_us(60'000'000);
    return batch;
  };
  Say(one, published(0, "old"));
  EXPECT_EQ(router_->records().size(), 1u);
  Say(one, Batch().SnapshotEnd());
  Say(one, published(1, "t"));
  EXPECT_EQ(router_->records().size(), 1u);
  const LanePtr two = Return(2, {1, 2});
  PassStartHold();
  Say(two, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_THAT(Delivered(two), ElementsAre(1));
  EXPECT_EQ(router_->records().size(), 2u);
}

}  // namespace
}  // namespace cairn::core

// What was held or kept after a restart, when it is more than one turn: it is routed in several,
// before anything newer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/return_fixture.h"

namespace cairn::core {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class RouterRelease : public RouterReturn {
 protected:
  static constexpr uint64_t kRelays = 100;
  static constexpr uint64_t kWork = 10;

  RouterRelease() {
    limits_.work_per_turn = kWork;
    Restart(kCoreId);
  }
  // Lane 1 has relayed so much, and lane 2, which they go to, has sent its snapshot; one turn of
  // what follows has been taken.
  void BeginRelease() {
    one_ = Return(1, {1, 2});
    Say(one_, Batch().Opened(10).SnapshotEnd());
    Say(one_, Relays(1, kRelays));
    two_ = Return(2, {1, 2});
    Say(two_, Batch().Opened(20).Known(20, "t").SnapshotEnd());
    clock_.Advance(absl::FromChrono(link::kStartHold));
    EXPECT_TRUE(router_->hold().holding());
    HandleOnly(Tick{});
    EXPECT_FALSE(router_->hold().holding());
    EXPECT_TRUE(router_->hold().releasing());
  }
  static Batch Relays(uint64_t first, uint64_t last) {
    Batch batch;
    for (uint64_t seq = first; seq <= last; ++seq) batch.Relayed(10, "t", seq);
    return batch;
  }
  // One input, and nothing of what the router would go on with.
  void HandleOnly(RouterInput input) {
    const uint64_t before = router_->counters().deliveries;
    router_->Handle(input);
    EXPECT_LE(router_->counters().deliveries - before, kWork + 1);
  }
  void SayOnly(const LanePtr& lane, const Batch& batch) {
    signaling::v1::LaneToCore message = batch.message();
    lane->link->Append(message);
    HandleOnly(LaneBatch{lane->stream, lane->link->Next()});
  }
  // The router goes on until nothing is left; the number of turns.
  int TakeTurns() {
    int turns = 0;
    for (; router_->WantsTurn(); ++turns) HandleOnly(Continue{});
    return turns;
  }
  void ExpectAllInOrder(const LanePtr& lane, uint64_t last) {
    const std::vector<uint64_t> numbers = Delivered(lane);
    ASSERT_THAT(numbers, SizeIs(last));
    for (uint64_t i = 0; i < last; ++i) ASSERT_EQ(numbers[i], i + 1);
  }

  LanePtr one_, two_;
};

TEST_F(RouterRelease, TakesSeveralTurns) {
  BeginRelease();
  EXPECT_GE(TakeTurns(), 9);
  EXPECT_EQ(router_->hold().cost(), 0u);
  ExpectAllInOrder(two_, kRelays);
}

TEST_F(RouterRelease, GoesBeforeWhatIsNewer) {
  BeginRelease();
  SayOnly(one_, Relays(kRelays + 1, kRelays + 5));
  const LanePtr three = OpenInSnapshot(3);
  SayOnly(three, Batch().Opened(30).Subscribed(30, "t").SnapshotEnd());
  TakeTurns();
  ExpectAllInOrder(two_, kRelays + 5);
  EXPECT_THAT(Delivered(three), IsEmpty()) << "subscribed after all of them";
}

TEST_F(RouterRelease, LetsOperatorsInBetween) {
  BeginRelease();
  bool called = false;
  HandleOnly(AdminCall{[&](Router& router) { called = router.hold().releasing(); }});
  EXPECT_TRUE(called);
}

TEST_F(RouterRelease, IsNotTornByAStreamThatBreaks) {
  BeginRelease();
  SayOnly(one_, Relays(kRelays + 1, kRelays + 5));
  one_->link->Detach();
  HandleOnly(LaneClosed{std::exchange(one_->stream, nullptr)});
  TakeTurns();
  ExpectAllInOrder(two_, kRelays + 5);
  EXPECT_EQ(Connect(one_), Welcome::OUTCOME_RESUMED);
  Say(one_, Relays(kRelays + 6, kRelays + 6));
  EXPECT_THAT(Delivered(two_), ElementsAre(kRelays + 6));
}

TEST_F(RouterRelease, OfALaneThatIsGivenUpEndsAndTheLaneResendsTheRest) {
  BeginRelease();
  LanePtr one = one_;
  one->core_id = 66;  // it was at another core meanwhile
  one->link->Detach();
  one->stream = std::make_shared<FakeLaneStream>();
  HandleOnly(LaneOpened{one->stream, one->Hello()});
  EXPECT_EQ(router_->hold().cost(), 0u);
  one->Receive();
  Say(one, Batch().Opened(10).SnapshotEnd());
  Say(one, Relays(1, kRelays));
  std::vector<uint64_t> numbers = Delivered(two_);
  uint64_t seen = 0;
  for (const uint64_t number : numbers) {
    if (number <= seen) continue;  // as the lane does
    EXPECT_EQ(number, ++seen);
  }
  EXPECT_EQ(seen, kRelays);
}

// All of it together is what came for the lane at once.
TEST_F(RouterRelease, DoesNotMakeALaneFull) {
  limits_.max_lane_queued_bytes = 2'000;
  Restart(kCoreId);
  BeginRelease();
  TakeTurns();
  EXPECT_EQ(Ended(LaneEnd::kFull), 0u);
  ExpectAllInOrder(two_, kRelays);
}

TEST_F(RouterRelease, ReadsLanesOnThatWereNotReadMeanwhile) {
  limits_.max_held_bytes_per_lane = 1'000;
  Restart(kCoreId);
  BeginRelease();
  const int handled = one_->stream->handled;
  TakeTurns();
  EXPECT_EQ(one_->stream->handled, handled + 1);
}

TEST_F(RouterRelease, OfWhatWasKeptForALateLaneTakesSeveralTurnsToo) {
  one_ = Return(1, {1, 2});
  Say(one_, Batch().Opened(10).SnapshotEnd());
  Pass(kPatience);
  ASSERT_TRUE(router_->late().keeping());
  Say(one_, Relays(1, kRelays));
  two_ = Return(2, {1, 2});
  SayOnly(two_, Batch().Opened(20).Known(20, "t").SnapshotEnd());
  EXPECT_TRUE(router_->late().keeping());
  SayOnly(one_, Relays(kRelays + 1, kRelays + 5));
  // Not even if that is when the others are given up.
  clock_.Advance(kLimit);
  HandleOnly(Tick{});
  while (router_->late().keeping()) {
    ASSERT_TRUE(router_->WantsTurn());
    HandleOnly(Continue{});
  }
  EXPECT_THAT(router_->late().kept(), SizeIs(testing::Ge(kRelays - kWork))) << "not settled yet";
  EXPECT_GE(TakeTurns(), 7);
  EXPECT_THAT(router_->late().kept(), IsEmpty());
  ExpectAllInOrder(two_, kRelays + 5);
  EXPECT_EQ(router_->counters().lanes_late, 0u);
  Answer(two_);
  EXPECT_THAT(Settled(one_), SizeIs(kRelays + 5));
}

}  // namespace
}  // namespace cairn::core

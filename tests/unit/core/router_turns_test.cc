// How much of what a lane says a router handles at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/router_fixture.h"

namespace cairn::core {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class RouterTurns : public RouterTest {
 protected:
  static constexpr uint64_t kTargets = 40;

  RouterTurns() {
    origin_ = Open(1);
    quiet_ = Open(2);
    Say(origin_, Batch().Opened(10));
    Say(quiet_, Batch().Opened(20).Subscribed(20, "quiet"));
    for (uint64_t lane = 0; lane < kTargets; ++lane) {
      targets_.push_back(Open(100 + lane));
      Say(targets_.back(), Batch().Opened(1000 + lane).Subscribed(1000 + lane, "t"));
    }
  }
  // As Say(), of which only the first input is handled.
  void SayFirst(const LanePtr& lane, const Batch& batch) {
    signaling::v1::LaneToCore message = batch.message();
    lane->link->Append(message);
    RouterInput input = LaneBatch{lane->stream, lane->link->Next()};
    router_->Handle(input);
  }
  // One message that goes to all targets, of 2.4 turns.
  static constexpr uint64_t kRelays = 500;
  static Batch Flood() {
    Batch batch;
    for (uint64_t seq = 1; seq <= kRelays; ++seq) batch.Relayed(10, "t", seq);
    return batch;
  }
  void NextTurn() {
    ASSERT_TRUE(router_->WantsTurn());
    RouterInput go_on = Continue{};
    router_->Handle(go_on);
  }
  uint64_t deliveries() const { return router_->counters().deliveries; }

  LanePtr origin_, quiet_;
  std::vector<LanePtr> targets_;
};

TEST_F(RouterTurns, ALargeFanOutIsHandledInSeveralTurns) {
  const int handled = origin_->stream->handled;
  SayFirst(origin_, Flood());
  EXPECT_LE(deliveries(), limits_.work_per_turn + kTargets);
  EXPECT_EQ(origin_->stream->handled, handled) << "nothing more is taken of the lane until then";
  NextTurn();
  EXPECT_LE(deliveries(), 2 * (limits_.work_per_turn + kTargets));
  NextTurn();
  EXPECT_EQ(deliveries(), kRelays * kTargets);
  EXPECT_EQ(origin_->stream->handled, handled + 1);
  EXPECT_FALSE(router_->WantsTurn());
  const std::vector<uint64_t> numbers = Delivered(targets_[7]);
  ASSERT_THAT(numbers, SizeIs(kRelays));
  for (uint64_t i = 0; i < kRelays; ++i) ASSERT_EQ(numbers[i], i + 1);
}

TEST_F(RouterTurns, OthersAreServedBetweenThem) {
  SayFirst(origin_, Flood());
  SayFirst(targets_[0], Batch().Relayed(1000, "quiet", 1));
  EXPECT_THAT(Delivered(quiet_), ElementsAre(1));
  EXPECT_TRUE(router_->WantsTurn());
}

TEST_F(RouterTurns, TheMessageOfABrokenStreamIsHandledToItsEnd) {
  SayFirst(origin_, Flood());
  Break(origin_);
  EXPECT_EQ(deliveries(), kRelays * kTargets);
  EXPECT_EQ(Connect(origin_), Welcome::OUTCOME_RESUMED);
}

TEST_F(RouterTurns, TheUnhandledRestOfAGivenUpLaneIsResentByIt) {
  SayFirst(origin_, Flood());
  const uint64_t before = deliveries();
  origin_->stream->closes.clear();
  RouterInput nonsense = LaneBatch{origin_->stream, {}};
  std::get<LaneBatch>(nonsense).batch.set_number(999);
  router_->Handle(nonsense);
  EXPECT_THAT(origin_->stream->closes, SizeIs(1));
  RouterInput go_on = Continue{};
  router_->Handle(go_on);
  EXPECT_EQ(deliveries(), before);
  EXPECT_FALSE(router_->WantsTurn());
}

TEST_F(RouterTurns, ANewStreamContinuesAfterTheRestOfTheOldOne) {
  SayFirst(origin_, Flood());
  EXPECT_EQ(Connect(origin_), Welcome::OUTCOME_RESUMED);
  Say(origin_, Batch().Relayed(10, "t", kRelays + 1));
  const std::vector<uint64_t> numbers = Delivered(targets_[0]);
  ASSERT_THAT(numbers, SizeIs(kRelays + 1));
  EXPECT_EQ(numbers.back(), kRelays + 1);
}

}  // namespace
}  // namespace cairn::core

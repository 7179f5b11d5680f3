// When the core gives a lane up, and what happens when a lane or a core ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "proto/link/cost.h"
#include "tests/support/router_links_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::Welcome;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- lanes that are given up

TEST_F(RouterLinks, ALaneWithoutAStreamIsGivenUpAfterTheTimeoutAndNotBefore) {
  const LanePtr origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  Break(target);
  Pass(limits_.lane_timeout - kInstant);
  Say(origin, Batch().Relayed(10, "t", 2));
  EXPECT_THAT(Settled(origin), IsEmpty());
  EXPECT_THAT(router_->directory().lanes(), SizeIs(2));
  Pass(2 * kInstant);
  EXPECT_THAT(Settled(origin), ElementsAre(1, 2));
  EXPECT_THAT(router_->directory().lanes(), SizeIs(1));
  EXPECT_EQ(Ended(LaneEnd::kTimeout), 1u);
  EXPECT_EQ(GivenUpDeliveries(LaneEnd::kTimeout), 2u);
  ExpectNothingLeft();
}

TEST_F(RouterLinks, ALaneThatIsGivenUpOwesNothingMore) {
  const LanePtr origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1).Relayed(10, "t", 2));
  EXPECT_THAT(Settled(origin), IsEmpty());
  Break(target);
  Pass(limits_.lane_timeout + kInstant);
  EXPECT_THAT(Settled(origin), ElementsAre(1, 2));
}

TEST_F(RouterLinks, ALaneWithAStreamThatDoesNotAnswerIsGivenUpToo) {
  const LanePtr origin = Open(1), hung = Open(2);
  Say(hung, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  const auto stream = hung->stream;
  uint64_t peer = 100;
  // It still speaks, but does not say that it has handled anything.
  Elapse(limits_.lane_timeout, [&] {
    Answer(origin);
    Say(hung, Batch().Opened(++peer));
  });
  EXPECT_THAT(Closes(stream), IsEmpty());
  clock_.Advance(kInstant);
  TickNow();
  EXPECT_THAT(Closes(stream), ElementsAre(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(Ended(LaneEnd::kTimeout), 1u);
}

TEST_F(RouterLinks, ACoreThatWasStoppedGivesItsLanesTheTimeToAnswer) {
  const LanePtr origin = Open(1), target = Open(2), away = Open(3);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  Break(away);
  clock_.Advance(10 * limits_.lane_timeout);
  TickNow();
  EXPECT_EQ(lane_count(), 3u) << "it could not hear them";
  Answer(origin);
  Answer(target);
  EXPECT_EQ(Connect(away), Welcome::OUTCOME_RESUMED);
  Pass(limits_.lane_timeout);
  EXPECT_EQ(lane_count(), 3u);
  // But no longer than that.
  Break(away);
  clock_.Advance(10 * limits_.lane_timeout);
  TickNow();
  Pass(absl::FromChrono(link::kReturnPatience) + kInstant);
  EXPECT_EQ(lane_count(), 2u);
}

TEST_F(RouterLinks, ALaneThatOnlyBeatsIsKept) {
  const LanePtr lane = Open(1);
  for (int i = 0; i < 10; ++i) Pass(limits_.lane_timeout);
  EXPECT_THAT(Closes(lane->stream), IsEmpty());
  EXPECT_EQ(lane_count(), 1u);
}

TEST_F(RouterLinks, ALaneThatIsOwedMoreThanItsBoundIsGivenUpAndHoldsUpNobody) {
  limits_.max_lane_queued_bytes = 1 << 20;
  Restart(kCoreId);
  FinishStart();
  const LanePtr origin = Open(1), slow = Open(2), other = Open(3);
  Say(slow, Batch().Opened(20).Subscribed(20, "t"));
  Say(other, Batch().Opened(30).Subscribed(30, "t"));
  const auto stream = slow->stream;
  uint64_t seq = 0;
  while (stream->closes.empty()) {
    ASSERT_LE(router_->directory().FindLane(2)->channel->cost(), limits_.max_lane_queued_bytes);
    ASSERT_LT(seq, 1000u);
    Batch batch;
    batch.Relayed(10, "t", ++seq);
    batch.last().set_payload(std::string(10'000, 'x'));
    Say(origin, batch);
    Answer(other);
  }
  EXPECT_GT(seq, 50u);
  EXPECT_THAT(Closes(stream), ElementsAre(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(Ended(LaneEnd::kFull), 1u);
  EXPECT_EQ(GivenUpDeliveries(LaneEnd::kFull), seq);
  EXPECT_THAT(Settled(origin), SizeIs(seq));
  EXPECT_THAT(Closes(other->stream), IsEmpty());
}

TEST_F(RouterLinks, ALaneThatLeavesOutANumberIsGivenUp) {
  const LanePtr lane = Open(1);
  Say(lane, Batch().Opened(10));
  const auto stream = lane->stream;
  signaling::v1::LaneToCore message;
  message.set_number(100);
  Enter(LaneBatch{stream, message});
  EXPECT_THAT(Closes(stream), ElementsAre(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(Ended(LaneEnd::kBroken), 1u);
  EXPECT_EQ(lane_count(), 0u);
  ExpectNothingLeft();
}

TEST_F(RouterLinks, ALaneThatAcknowledgesWhatItWasNotSentIsGivenUp) {
  const LanePtr lane = Open(1);
  const auto stream = lane->stream;
  signaling::v1::LaneToCore message;
  message.set_received(100);
  Enter(LaneBatch{stream, message});
  EXPECT_THAT(Closes(stream), ElementsAre(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(Ended(LaneEnd::kBroken), 1u);

  // Or in its Hello.
  const LanePtr other = Open(2);
  Break(other);
  signaling::v1::Hello hello = other->Hello();
  hello.set_received(100);
  const auto next = std::make_shared<FakeLaneStream>();
  Enter(LaneOpened{next, hello});
  EXPECT_THAT(Closes(next), ElementsAre(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(next->written, IsEmpty());
  EXPECT_EQ(Ended(LaneEnd::kBroken), 2u);
  EXPECT_EQ(lane_count(), 0u);
}

TEST_F(RouterLinks, AllOfALanesMessagesAfterItWasGivenUpAreIgnored) {
  const LanePtr lane = Open(1), watcher = Open(2);
  const auto stream = lane->stream;
  signaling::v1::LaneToCore message;
  message.set_number(100);
  Enter(LaneBatch{stream, message});
  Enter(LaneBatch{stream, Batch().Opened(10).message()});
  Enter(LaneWritable{stream});
  Enter(LaneClosed{stream});
  EXPECT_EQ(router_->directory().peer_ids().size(), 0u);
  EXPECT_EQ(lane_count(), 1u);
}

// ---- lanes that end

TEST_F(RouterLinks, ALaneThatHasSaidGoodbyeGoesWithItsStream) {
  const LanePtr origin = Open(1), leaving = Open(2);
  Say(leaving, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  Say(leaving, Batch().Goodbye());
  EXPECT_EQ(lane_count(), 2u);
  Break(leaving);
  EXPECT_EQ(lane_count(), 1u);
  EXPECT_THAT(Settled(origin), ElementsAre(1));
  for (size_t i = 0; i < kLaneEndCount; ++i) EXPECT_EQ(Ended(static_cast<LaneEnd>(i)), 0u);
  ExpectNothingLeft();
}

TEST_F(RouterLinks, ALaneWithoutPeersThatBreaksMayStillReturn) {
  const LanePtr idle = Open(2);
  Break(idle);
  EXPECT_EQ(lane_count(), 1u);
  EXPECT_EQ(Connect(idle), Welcome::OUTCOME_RESUMED);
}

TEST_F(RouterLinks, ACoreThatEndsSettlesNothingAndTellsNobodyOfPeersThatLeave) {
  const LanePtr origin = Open(1), target = Open(2);
  Say(origin, Batch().Opened(10, true).Subscribed(10, "t"));
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  origin->TakeMessages();
  Enter(CoreStopping{});
  Break(target);
  Elapse(10 * limits_.lane_timeout);
  Say(origin, Batch().Relayed(10, "t", 2));
  TickNow();
  for (const auto& message : origin->TakeMessages()) {
    EXPECT_EQ(message.settled_size(), 0) << "the next core would not get it again";
    EXPECT_EQ(message.notices_size(), 0);
  }
}

}  // namespace
}  // namespace cairn::core

// What lets nothing be lost when a stream or the core itself breaks: acknowledgements, and the hold
// after a restart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/router_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::LaneEvent;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using RouterAcks = RouterTest;

TEST_F(RouterAcks, ARelayThatNobodyHearsIsAcknowledgedAtOnce) {
  const Sink origin = Open(1);
  Say(origin, Batch().Relayed(10, "t", 1).Relayed(10, "t", 2));
  EXPECT_EQ(Acked(origin), 2u);
}

TEST_F(RouterAcks, ARelayIsAcknowledgedWhenEveryLaneItWentToHasPassedItOn) {
  const Sink origin = Open(1), two = Open(2), three = Open(3);
  Say(two, Batch().Opened(20).Subscribed(20, "t"));
  Say(three, Batch().Opened(30).Subscribed(30, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  EXPECT_EQ(Acked(origin), 0u);
  Say(two, Batch().Delivered(1));
  EXPECT_EQ(Acked(origin), 0u);
  Say(three, Batch().Delivered(1));
  EXPECT_EQ(Acked(origin), 1u);
}

TEST_F(RouterAcks, AcknowledgementsHaveNoGaps) {
  const Sink origin = Open(1), two = Open(2), three = Open(3);
  Say(two, Batch().Opened(20).Subscribed(20, "slow"));
  Say(three, Batch().Opened(30).Subscribed(30, "fast"));
  Say(origin, Batch().Relayed(10, "slow", 1).Relayed(10, "fast", 2).Relayed(10, "nobody's", 3));
  Say(three, Batch().Delivered(1));
  EXPECT_EQ(Acked(origin), 0u) << "the first is still on its way";
  Say(two, Batch().Delivered(1));
  EXPECT_EQ(Acked(origin), 3u);
}

TEST_F(RouterAcks, TravelWithOtherMessagesOrForManyRelaysOrAtTheNextTick) {
  const Sink origin = Open(1);
  Say(origin, Batch().Opened(10).Subscribed(10, "mine").Relayed(10, "nobody's", 1));
  EXPECT_TRUE(origin->TakeMessages().empty());
  Say(origin, Batch().Opened(11).Relayed(11, "mine", 2));
  const auto messages = origin->TakeMessages();
  ASSERT_EQ(messages.size(), 1u) << "the delivery takes it along";
  EXPECT_EQ(messages[0].acked_seq(), 1u);
  Say(origin, Batch().Delivered(1));
  EXPECT_TRUE(origin->TakeMessages().empty());
  EXPECT_EQ(Acked(origin), 2u);
  for (uint64_t seq = 3; seq < 2 + Router::kRelaysPerAck; ++seq) {
    Say(origin, Batch().Relayed(10, "nobody's", seq));
  }
  EXPECT_TRUE(origin->TakeMessages().empty());
  Say(origin, Batch().Relayed(10, "nobody's", 2 + Router::kRelaysPerAck));
  EXPECT_EQ(origin->TakeMessages().size(), 1u);
}

TEST_F(RouterAcks, OneAnswerIsForAllDeliveriesUpToIt) {
  const Sink one = Open(1), two = Open(2), target = Open(3);
  Say(target, Batch().Opened(30).Subscribed(30, "t"));
  Say(one, Batch().Relayed(10, "t", 1).Relayed(10, "t", 2));
  Say(two, Batch().Relayed(20, "t", 1));
  Say(one, Batch().Relayed(10, "t", 3));
  Say(target, Batch().Delivered(3));
  EXPECT_EQ(Acked(one), 2u);
  EXPECT_EQ(Acked(two), 1u);
  Say(target, Batch().Delivered(4));
  EXPECT_EQ(Acked(one), 3u);
}

TEST_F(RouterAcks, ALaneThatIsGoneOwesNothingMore) {
  const Sink origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  EXPECT_EQ(Acked(origin), 0u);
  Close(target);
  EXPECT_EQ(Acked(origin), 1u);
}

TEST_F(RouterAcks, ACoreThatEndsSettlesNothingAndTellsNobodyOfPeersThatLeave) {
  const Sink origin = Open(1), target = Open(2);
  Say(origin, Batch().Opened(10, true).Subscribed(10, "t"));
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1, true));
  origin->messages.clear();
  RouterInput stopping = CoreStopping{};
  router_.Handle(stopping);
  Close(target);
  Say(origin, Batch().Relayed(10, "t", 2, true));
  for (const auto& message : origin->TakeMessages()) {
    EXPECT_EQ(message.acked_seq(), 0u) << "the next core would not get it again";
    EXPECT_EQ(message.notices_size(), 0);
  }
}

TEST_F(RouterAcks, AnswersForAnEarlierStreamOfTheOriginDoNotCountForTheNext) {
  const Sink old_stream = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(old_stream, Batch().Relayed(10, "t", 1));
  const Sink new_stream = Open(1);
  Say(new_stream, Batch().Relayed(10, "t", 1));
  Say(target, Batch().Delivered(1));
  EXPECT_EQ(Acked(new_stream), 0u);
  Say(target, Batch().Delivered(2));
  EXPECT_EQ(Acked(new_stream), 1u);
}

TEST_F(RouterAcks, LanesThatCannotLoseAnythingNeitherOweNorAreOwedAnswers) {
  const Sink direct = Open(1), remote = Open(2);
  direct->acknowledging = false;
  Say(direct, Batch().Opened(10).Subscribed(10, "t"));
  Say(remote, Batch().Relayed(20, "t", 1));
  EXPECT_EQ(Acked(remote), 1u);
  Say(remote, Batch().Opened(20).Subscribed(20, "u"));
  Say(direct, Batch().Relayed(10, "u", 1));
  Say(remote, Batch().Delivered(1));
  EXPECT_EQ(Acked(direct), 0u);
}

class RouterReturn : public RouterTest {
 protected:
  // A lane that knew `roster` before the core was restarted; its stream is open, its snapshot not
  // begun.
  Sink Return(uint64_t lane_id, const std::vector<uint64_t>& roster) {
    auto sink = std::make_shared<FakeEdgeSink>();
    signaling::v1::Hello hello;
    hello.set_lane_id(lane_id);
    for (const uint64_t lane : roster) hello.add_roster(lane);
    RouterInput input = LaneOpened{sink, hello};
    router_.Handle(input);
    return sink;
  }
  static Batch WithSnapshotEnd(Batch batch) {
    batch.Add(LaneEvent::KIND_SNAPSHOT_END, 0);
    return batch;
  }
};

TEST_F(RouterReturn, EveryLaneIsToldOfAllLanesWheneverThatChanges) {
  const auto roster = [](const Sink& sink) {
    std::vector<uint64_t> lanes;
    for (const auto& message : sink->TakeMessages()) {
      if (message.roster_size() > 0) lanes.assign(message.roster().begin(), message.roster().end());
    }
    return lanes;
  };
  const Sink one = OpenInSnapshot(1);
  EXPECT_THAT(roster(one), ElementsAre(1));
  const Sink two = OpenInSnapshot(2);
  EXPECT_THAT(roster(one), UnorderedElementsAre(1, 2));
  EXPECT_THAT(roster(two), UnorderedElementsAre(1, 2));
  Close(one);
  EXPECT_THAT(roster(two), ElementsAre(2));
}

TEST_F(RouterReturn, RelaysOfTheFirstToReturnWaitForTheOthers) {
  const Sink one = Return(1, {1, 2});
  Say(one, WithSnapshotEnd(Batch().Opened(10)).Relayed(10, "t", 1).Relayed(10, "t", 2));
  EXPECT_EQ(Acked(one), 0u);
  const Sink two = Return(2, {1, 2});
  EXPECT_THAT(Delivered(two), IsEmpty());
  Say(two, WithSnapshotEnd(Batch().Opened(20).Subscribed(20, "t")));
  EXPECT_THAT(Delivered(two), ElementsAre(1, 2));
  Say(one, Batch().Relayed(10, "t", 3));
  EXPECT_THAT(Delivered(two), ElementsAre(3));
}

TEST_F(RouterReturn, RelaysWaitNoLongerThanTheGracePeriod) {
  const Sink one = Return(1, {1, 2, 3});
  const Sink two = Return(2, {1, 2, 3});
  Say(two, WithSnapshotEnd(Batch().Opened(20).Subscribed(20, "t")));
  Say(one, WithSnapshotEnd(Batch()).Relayed(10, "t", 1));
  clock_.Advance(absl::Microseconds(ReturnHold::kGraceUs) - absl::Microseconds(1));
  Call([](Router&) {});
  EXPECT_THAT(Delivered(two), IsEmpty());
  clock_.Advance(absl::Microseconds(1));
  Call([](Router&) {});
  EXPECT_THAT(Delivered(two), ElementsAre(1));
}

TEST_F(RouterReturn, ALaneThatBreaksAgainWhileItsRelaysWaitSaysThemAgain) {
  const Sink first = Return(1, {1, 2});
  Say(first, WithSnapshotEnd(Batch().Opened(10)).Relayed(10, "t", 1));
  const Sink second = Return(1, {1, 2});
  Say(second, WithSnapshotEnd(Batch().Opened(10)).Relayed(10, "t", 1).Relayed(10, "t", 2));
  const Sink two = Return(2, {1, 2});
  Say(two, WithSnapshotEnd(Batch().Opened(20).Subscribed(20, "t")));
  EXPECT_THAT(Delivered(two), ElementsAre(1, 2));
}

TEST_F(RouterReturn, NobodyWaitsForLanesThatThisCoreHasSeenGo) {
  const Sink one = Open(1), two = Open(2);
  Close(two);
  Close(one);
  const Sink back = Return(1, {1, 2});
  Say(back, WithSnapshotEnd(Batch().Opened(10).Subscribed(10, "t")));
  const Sink other = Open(3);
  Say(other, Batch().Relayed(30, "t", 1));
  EXPECT_THAT(Delivered(back), ElementsAre(1));
}

TEST_F(RouterReturn, ANewLaneWaitsForNobody) {
  const Sink one = Return(1, {});
  Say(one, Batch().Opened(10).Subscribed(10, "t"));
  const Sink two = Return(2, {});
  Say(two, Batch().Relayed(20, "t", 1));
  EXPECT_THAT(Delivered(one), ElementsAre(1));
}

}  // namespace
}  // namespace cairn::core

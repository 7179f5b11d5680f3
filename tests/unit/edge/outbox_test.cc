#include "edge/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/link/cost.h"

namespace cairn::edge {
namespace {

using signaling::v1::LaneEvent;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kPeer = 7;

class OutboxTest : public testing::Test {
 protected:
  void AddWaitingRelay(uint64_t seq) {
    LaneEvent& event = outbox_.AddWaiting(LaneEvent::KIND_RELAYED, kPeer);
    event.set_payload(std::string(100, 'x'));
    event.set_seq(seq);
    outbox_.AddedWaiting(event);
  }
  void AddWaitingOther(LaneEvent::Kind kind) {
    outbox_.AddedWaiting(outbox_.AddWaiting(kind, kPeer));
  }
  void AddRelay(uint64_t seq) {
    LaneEvent& event = outbox_.Add(LaneEvent::KIND_RELAYED, kPeer);
    event.set_seq(seq);
    outbox_.Added(event);
  }
  // What waits, first to last: a change as "topic told", an event as its number. Then nothing
  // waits.
  std::vector<std::string> Drain() {
    std::vector<std::string> words;
    while (!outbox_.empty()) {
      if (outbox_.first_is_change()) {
        const Outbox::Change change = outbox_.TakeChange();
        EXPECT_EQ(change.peer, kPeer);
        words.push_back(change.topic + (change.told ? " told" : " untold"));
      } else {
        outbox_.MoveFirst();
        words.push_back(std::to_string(outbox_.batch().events().rbegin()->seq()));
      }
    }
    EXPECT_EQ(outbox_.waiting_cost(), 0u);
    return words;
  }
  std::vector<uint64_t> InBatch() {
    std::vector<uint64_t> numbers;
    for (const LaneEvent& event : outbox_.batch().events()) numbers.push_back(event.seq());
    return numbers;
  }

  Outbox outbox_;
  RecordCache records_{1 << 20};
};

TEST_F(OutboxTest, HasNoRoomBeforeTheFirstRoomIsReported) {
  EXPECT_FALSE(outbox_.has_room());
  outbox_.SetRoom(1);
  EXPECT_TRUE(outbox_.has_room());
  outbox_.SetRoom(0);
  EXPECT_FALSE(outbox_.has_room());
}

TEST_F(OutboxTest, TheBatchTakesTheRoomThatItsEventsCost) {
  LaneEvent like;
  like.set_kind(LaneEvent::KIND_RELAYED);
  like.set_seq(1);
  const size_t cost = link::CostOf(like);
  outbox_.SetRoom(2 * cost + 1);
  AddRelay(1);
  AddRelay(2);
  EXPECT_TRUE(outbox_.has_room());
  AddRelay(3);
  EXPECT_FALSE(outbox_.has_room()) << "exceeded by one event";
  EXPECT_THAT(InBatch(), ElementsAre(1, 2, 3));
}

TEST_F(OutboxTest, WaitingEventsKeepTheirOrderAndMoveIntoTheBatchUnchanged) {
  outbox_.SetRoom(1 << 20);
  AddRelay(1);
  AddWaitingRelay(2);
  outbox_.AddChange(kPeer, "t", false);
  AddWaitingRelay(3);
  EXPECT_FALSE(outbox_.empty());
  EXPECT_THAT(Drain(), ElementsAre("2", "t untold", "3"));
  EXPECT_THAT(InBatch(), ElementsAre(1, 2, 3));
  EXPECT_EQ(outbox_.batch().events(1).payload().size(), 100u);
}

TEST_F(OutboxTest, EventsThatMoveIntoTheBatchTakeRoom) {
  AddWaitingRelay(1);
  outbox_.SetRoom(outbox_.waiting_cost());
  outbox_.MoveFirst();
  EXPECT_FALSE(outbox_.has_room());
}

TEST_F(OutboxTest, AClientThatSubscribesAndUnsubscribesAThousandTimesHasOneEntry) {
  outbox_.AddChange(kPeer, "t", false);
  const size_t cost = outbox_.waiting_cost();
  EXPECT_GT(cost, 0u);
  for (int i = 0; i < 1000; ++i) {
    outbox_.AddChange(kPeer, "t", true);
    outbox_.AddChange(kPeer, "t", false);
  }
  EXPECT_EQ(outbox_.waiting_cost(), cost);
  EXPECT_THAT(Drain(), ElementsAre("t untold")) << "what the core believed before the first";
}

TEST_F(OutboxTest, ChangesOfOtherTopicsAndPeersHaveTheirOwn) {
  outbox_.AddChange(kPeer, "t", true);
  outbox_.AddChange(kPeer, "u", false);
  outbox_.AddChange(kPeer, "t", false);
  EXPECT_THAT(Drain(), ElementsAre("t told", "u untold"));
  outbox_.AddChange(1, "t", true);
  outbox_.AddChange(2, "t", false);
  EXPECT_EQ(outbox_.TakeChange().peer, 1u);
  EXPECT_EQ(outbox_.TakeChange().peer, 2u);
}

TEST_F(OutboxTest, AChangeAfterTheFirstWasTakenIsANewOne) {
  outbox_.AddChange(kPeer, "t", false);
  EXPECT_THAT(Drain(), ElementsAre("t untold"));
  outbox_.AddChange(kPeer, "t", true);
  EXPECT_THAT(Drain(), ElementsAre("t told"));
}

TEST_F(OutboxTest, RestartKeepsOnlyNumberedEventsInOrderBehindEarlierOnes) {
  outbox_.SetRoom(1 << 20);
  AddRelay(3);
  outbox_.Added(outbox_.Add(LaneEvent::KIND_PEER_OPENED, kPeer));
  AddWaitingRelay(4);
  outbox_.AddChange(kPeer, "t", false);
  AddWaitingOther(LaneEvent::KIND_PEER_CLOSED);
  AddWaitingRelay(5);
  std::vector<LaneEvent> before(2);
  before[0].set_seq(1);
  before[1].set_seq(2);
  for (LaneEvent& event : before) event.set_kind(LaneEvent::KIND_RELAYED);
  outbox_.Restart(std::move(before), records_);
  EXPECT_THAT(InBatch(), IsEmpty());
  EXPECT_THAT(Drain(), ElementsAre("1", "2", "3", "4", "5"));
}

TEST_F(OutboxTest, AChangeAfterARestartIsNotFoldedIntoOneBefore) {
  outbox_.AddChange(kPeer, "t", false);
  outbox_.Restart({}, records_);
  EXPECT_TRUE(outbox_.empty());
  EXPECT_EQ(outbox_.waiting_cost(), 0u);
  outbox_.AddChange(kPeer, "t", true);
  EXPECT_THAT(Drain(), ElementsAre("t told"));
}

}  // namespace
}  // namespace cairn::edge

// How much a router makes of queries at once, and for whom.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "proto/link/cost.h"
#include "tests/support/router_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneEvent;
using testing::Each;
using testing::SizeIs;

class RouterAnswers : public RouterTest {
 protected:
  static constexpr size_t kLargeRecord = 48'000;

  // A large record in each of so many topics, named by their numbers.
  void PublishTo(const LanePtr& lane, uint64_t topics) {
    for (uint64_t topic = 0; topic < topics; ++topic) {
      Batch batch;
      LaneEvent& event = batch.Add(LaneEvent::KIND_PUBLISHED, 1);
      event.set_topic(std::to_string(topic));
      event.mutable_record()->set_connection(1'000'000 + topic);
      event.mutable_record()->set_blob(std::string(kLargeRecord, 'x'));
      event.mutable_record()->set_ttl_us(60'000'000);
      Say(lane, batch);
    }
  }
  // The peers, which are new, ask for all of them in one message.
  static Batch Asked(uint64_t first_peer, uint64_t peers, uint64_t topics) {
    Batch batch;
    for (uint64_t peer = first_peer; peer < first_peer + peers; ++peer) {
      batch.Opened(peer);
      for (uint64_t topic = 0; topic < topics; ++topic)
        batch.Add(LaneEvent::KIND_QUERIED, peer).set_topic(std::to_string(topic));
    }
    return batch;
  }
  // As Say(), of which only the first input is handled.
  void SayFirst(const LanePtr& lane, const Batch& batch) {
    signaling::v1::LaneToCore message = batch.message();
    lane->link->Append(message);
    RouterInput input = LaneBatch{lane->stream, lane->link->Next()};
    router_->Handle(input);
  }
  // The peers of the answers that the lane was sent since the last call.
  static std::vector<uint64_t> Answered(const LanePtr& lane) {
    std::vector<uint64_t> peers;
    for (const CoreToLane& message : lane->TakeMessages()) {
      for (const auto& answer : message.answers()) peers.push_back(answer.peer());
    }
    return peers;
  }
};

TEST_F(RouterAnswers, AreMadeAFewAtATime) {
  const LanePtr lane = Open(1);
  PublishTo(lane, 20);
  lane->TakeMessages();
  SayFirst(lane, Asked(100, 5, 20));
  size_t answers = Answered(lane).size();
  EXPECT_GE(answers, 1u);
  EXPECT_LE(answers * kLargeRecord, Router::kAnswerCostPerTurn + kLargeRecord);
  // Others are served between two turns.
  int turns = 0;
  for (; router_->WantsTurn() && turns < 100; ++turns) {
    RouterInput go_on = Continue{};
    router_->Handle(go_on);
    const size_t more = Answered(lane).size();
    EXPECT_LE(more * kLargeRecord, Router::kAnswerCostPerTurn + kLargeRecord);
    answers += more;
    Answer(lane);
    answers += Answered(lane).size();
  }
  EXPECT_EQ(answers, 100u);
}

TEST_F(RouterAnswers, ManyQueriesOfOnePeerDoNotDelayOthers) {
  const LanePtr lane = Open(1);
  PublishTo(lane, 60);
  lane->TakeMessages();
  SayFirst(lane, Asked(100, 1, 60));
  Answered(lane);
  Say(lane, Batch().Opened(200));
  Batch one;
  one.Add(LaneEvent::KIND_QUERIED, 200).set_topic("7");
  SayFirst(lane, one);
  std::vector<uint64_t> peers = Answered(lane);
  EXPECT_NE(std::find(peers.begin(), peers.end(), 200u), peers.end());
}

TEST_F(RouterAnswers, WaitForALaneThatDoesNotTakeThem) {
  const LanePtr slow = Open(1), other = Open(2);
  PublishTo(slow, 60);
  slow->TakeMessages();
  // It takes nothing: all that is for it is kept.
  slow->stream->one_at_a_time = slow->stream->busy = true;
  for (uint64_t peers = 0; peers < 10; ++peers) SayFirst(slow, Asked(100 + peers, 1, 60));
  for (int turn = 0; turn < 100; ++turn) TickNow();
  EXPECT_LE(router_->directory().lanes().at(1)->channel->cost(),
            Router::kAnswerWindow + 2 * Router::kAnswerCostPerTurn);
  EXPECT_FALSE(router_->WantsTurn()) << "it would spin";
  Say(other, Asked(500, 1, 1));
  EXPECT_THAT(Answered(other), SizeIs(1)) << "another lane is not held up";
}

TEST_F(RouterAnswers, APeerThatLeftGetsNoAnswer) {
  const LanePtr lane = Open(1);
  PublishTo(lane, 60);
  lane->TakeMessages();
  SayFirst(lane, Asked(100, 2, 60));
  Answered(lane);
  Say(lane, Batch().Closed(100));
  Answered(lane);
  TickNow();
  EXPECT_THAT(Answered(lane), Each(101u));
}

TEST_F(RouterAnswers, ALaneThatIsGivenUpGetsNoAnswer) {
  const LanePtr lane = Open(1);
  PublishTo(lane, 60);
  SayFirst(lane, Asked(100, 2, 60));
  Break(lane);
  Elapse(limits_.lane_timeout + absl::Seconds(1));
  EXPECT_EQ(lane_count(), 0u);
  RouterInput go_on = Continue{};
  router_->Handle(go_on);
  EXPECT_FALSE(router_->WantsTurn());
}

}  // namespace
}  // namespace cairn::core

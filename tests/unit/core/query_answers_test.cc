#include "core/query_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace cairn::core {
namespace {

using signaling::v1::CoreToLane;
using testing::ElementsAre;
using testing::IsEmpty;

class SlowSink final : public EdgeSink {
 public:
  void Send(CoreToLane&) override {}
  void OnHandled(signaling::v1::LaneToCore&&) override {}
  bool IsBehind() override { return behind; }

  bool behind = false;
};

class QueryAnswersTest : public testing::Test {
 protected:
  static constexpr size_t kLargeRecord = 48'000;

  LaneRecord& AddLane(uint64_t id) {
    signaling::v1::Hello hello;
    hello.set_lane_id(id);
    hello.set_edge("edge");
    LaneRecord& lane = *directory_.AddLane(hello, 0);
    lane.sink = std::make_shared<SlowSink>();
    return lane;
  }
  void SetBehind(LaneRecord& lane, bool behind) {
    static_cast<SlowSink&>(*lane.sink).behind = behind;
  }
  PeerRecord& AddPeer(LaneRecord& lane, uint64_t id) { return *directory_.AddPeer(lane, id, {}); }
  void Publish(const std::string& topic, size_t bytes = 10) {
    signaling::v1::Record record;
    record.set_connection(++publishers_);
    record.set_blob(std::string(bytes, 'x'));
    record.set_ttl_us(60'000'000);
    ASSERT_TRUE(records_.Put(topic, record, 0));
    answers_.OnRecord(topic);
  }
  // The peers that the lane's gathered message answers.
  static std::vector<uint64_t> Answered(LaneRecord& lane) {
    std::vector<uint64_t> peers;
    for (const auto& answer : lane.out.answers()) peers.push_back(answer.peer());
    lane.out.Clear();
    return peers;
  }

  uint64_t publishers_ = 1000;
  RecordStore records_;
  Directory directory_;
  LaneOutput output_;
  QueryAnswers answers_{records_, directory_, output_};
  LaneRecord& a_ = AddLane(1);
  LaneRecord& b_ = AddLane(2);
};

TEST_F(QueryAnswersTest, AQueryIsAnsweredWithTheRecordsOfItsTopic) {
  Publish("topic");
  answers_.Add(AddPeer(a_, 7), "topic");
  EXPECT_FALSE(answers_.Pay());
  ASSERT_EQ(a_.out.answers_size(), 1);
  EXPECT_EQ(a_.out.answers(0).topic(), "topic");
  EXPECT_EQ(a_.out.answers(0).records_size(), 1);
  EXPECT_TRUE(a_.dirty) << "the lane's message must be sent";
}

TEST_F(QueryAnswersTest, AQueryWithoutARecordWaitsForOne) {
  answers_.Add(AddPeer(a_, 7), "topic");
  answers_.Pay();
  EXPECT_THAT(Answered(a_), IsEmpty());
  EXPECT_EQ(answers_.held(), 1u);
  Publish("another");
  answers_.Pay();
  EXPECT_THAT(Answered(a_), IsEmpty());
  Publish("topic");
  answers_.Pay();
  EXPECT_THAT(Answered(a_), ElementsAre(7));
  EXPECT_EQ(answers_.held(), 0u);
}

TEST_F(QueryAnswersTest, AnEndedQueryIsNotAnswered) {
  PeerRecord& peer = AddPeer(a_, 7);
  answers_.Add(peer, "topic");
  answers_.End(peer, "topic");
  EXPECT_EQ(answers_.held(), 0u);
  Publish("topic");
  answers_.Pay();
  EXPECT_THAT(Answered(a_), IsEmpty());
  answers_.Add(peer, "topic");
  answers_.End(peer, "topic");
  answers_.Pay();
  EXPECT_THAT(Answered(a_), IsEmpty());
}

TEST_F(QueryAnswersTest, ATurnMakesAnswersUpToItsCostAndLanesTakeTurns) {
  Publish("topic", kLargeRecord);
  for (uint64_t peer = 0; peer < 20; ++peer) {
    answers_.Add(AddPeer(a_, 100 + peer), "topic");
    answers_.Add(AddPeer(b_, 200 + peer), "topic");
  }
  EXPECT_TRUE(answers_.Pay());
  const size_t of_a = Answered(a_).size(), of_b = Answered(b_).size();
  EXPECT_GT(of_a, 2u);
  EXPECT_LE(of_a > of_b ? of_a - of_b : of_b - of_a, 1u);
  EXPECT_LE((of_a + of_b) * kLargeRecord, QueryAnswers::kCostPerTurn + kLargeRecord);
  EXPECT_TRUE(answers_.Pay()) << "the turn's cost is used up";
  EXPECT_THAT(Answered(a_), IsEmpty());
  answers_.BeginTurn();
  answers_.Pay();
  EXPECT_GT(Answered(a_).size(), 2u);
}

TEST_F(QueryAnswersTest, ALaneThatIsBehindWaitsAndOthersDoNot) {
  Publish("topic");
  SetBehind(a_, true);
  answers_.Add(AddPeer(a_, 7), "topic");
  answers_.Add(AddPeer(b_, 8), "topic");
  EXPECT_FALSE(answers_.Pay());
  EXPECT_THAT(Answered(a_), IsEmpty());
  EXPECT_THAT(Answered(b_), ElementsAre(8));
  SetBehind(a_, false);
  answers_.Pay();
  EXPECT_THAT(Answered(a_), ElementsAre(7));
}

TEST_F(QueryAnswersTest, AForgottenPeerAndLaneGetNoAnswer) {
  Publish("topic");
  PeerRecord& waits = AddPeer(a_, 7);
  answers_.Add(waits, "later");
  answers_.Add(waits, "topic");
  answers_.Forget(waits);
  EXPECT_EQ(answers_.held(), 0u);
  answers_.Add(AddPeer(b_, 8), "topic");
  answers_.Forget(b_);
  answers_.Pay();
  EXPECT_THAT(Answered(a_), IsEmpty());
  EXPECT_THAT(Answered(b_), IsEmpty());
}

TEST(LaneOutput, AMarkedLaneIsSentOnceAndMarksOfASendAreLeftForTheNext) {
  LaneOutput output;
  LaneRecord a, b;
  std::vector<LaneRecord*> sent;
  output.Mark(a);
  output.For(a).add_answers();
  output.SendEach([&](LaneRecord& lane) {
    sent.push_back(&lane);
    output.Mark(b);
    output.Mark(lane);
  });
  EXPECT_THAT(sent, ElementsAre(&a));
  EXPECT_FALSE(output.empty());
  output.Forget(a);
  sent.clear();
  output.SendEach([&](LaneRecord& lane) { sent.push_back(&lane); });
  EXPECT_THAT(sent, ElementsAre(&b));
  EXPECT_TRUE(output.empty());
}

}  // namespace
}  // namespace cairn::core

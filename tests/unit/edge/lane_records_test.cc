// The records that members of a lane publish, and their queries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/wire/ws_encoder.h"
#include "tests/support/lane_fixture.h"

namespace cairn::edge {
namespace {

using signaling::v1::Answer;
using signaling::v1::CoreToLane;
using signaling::v1::LaneEvent;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LaneQueries : public LaneTest {
 protected:
  LaneQueries() { limits_.query_hold = absl::Seconds(1); }

  void AnswerWithBlob(uint64_t peer, const std::string& topic, const std::string& blob) {
    CoreToLane message;
    Answer* answer = message.add_answers();
    answer->set_peer(peer);
    answer->set_topic(topic);
    signaling::v1::Record* record = answer->add_records();
    record->set_connection(0xabc);
    record->set_blob(blob);
    lane_.OnCoreMessage(message);
  }
  static constexpr char kEmptyResult[] = R"("payload":null)";
};

TEST_F(LaneQueries, AreAnsweredWithTheRecordsOfTheCore) {
  lane_.Query(Join(1), "t");
  EXPECT_THAT(Said(), ElementsAre("PEER_OPENED 1", "QUERIED 1 t"));
  EXPECT_THAT(clients_[1].frames, IsEmpty());
  AnswerWithBlob(1, "t", "blob");
  ASSERT_EQ(clients_[1].frames.size(), 1u);
  EXPECT_EQ(clients_[1].frames[0][0], '\x81') << "one text frame";
  EXPECT_THAT(clients_[1].frames[0], HasSubstr(R"("payload":"YmxvYg==")"));
  EXPECT_THAT(clients_[1].frames[0], HasSubstr("0000000000000abc"));
  AnswerWithBlob(1, "t", "late");
  clock_.Advance(absl::Seconds(10));
  lane_.EndQueries();
  EXPECT_EQ(clients_[1].frames.size(), 1u) << "answered more than once";
  EXPECT_THAT(Said(), IsEmpty());
}

TEST_F(LaneQueries, AreAnsweredEmptyAfterQueryHold) {
  Lane::Member* member = Join(1);
  lane_.Query(member, "t");
  clock_.Advance(absl::Milliseconds(500));
  lane_.Query(member, "u");
  Said();
  clock_.Advance(absl::Milliseconds(499));
  lane_.EndQueries();
  EXPECT_THAT(clients_[1].frames, IsEmpty());
  clock_.Advance(absl::Milliseconds(1));
  lane_.EndQueries();
  ASSERT_EQ(clients_[1].frames.size(), 1u);
  EXPECT_THAT(clients_[1].frames[0], HasSubstr(R"("topic":"t")"));
  EXPECT_THAT(clients_[1].frames[0], HasSubstr(kEmptyResult));
  EXPECT_THAT(Said(), ElementsAre("QUERY_ENDED 1 t"));
}

TEST_F(LaneQueries, ThatWereAnsweredDoNotEndALaterOneOfTheSameTopic) {
  Lane::Member* member = Join(1);
  lane_.Query(member, "t");
  AnswerWithBlob(1, "t", "blob");
  clock_.Advance(absl::Milliseconds(500));
  lane_.Query(member, "t");
  Said();
  clock_.Advance(absl::Milliseconds(999));
  lane_.EndQueries();
  EXPECT_EQ(clients_[1].frames.size(), 1u);
  clock_.Advance(absl::Milliseconds(1));
  lane_.EndQueries();
  ASSERT_EQ(clients_[1].frames.size(), 2u);
  EXPECT_THAT(clients_[1].frames[1], HasSubstr(kEmptyResult));
  EXPECT_THAT(Said(), ElementsAre("QUERY_ENDED 1 t"));
}

TEST_F(LaneQueries, AskedTwiceAreAnsweredTwiceAndEndedOnce) {
  Lane::Member* member = Join(1);
  lane_.Query(member, "t");
  clock_.Advance(absl::Milliseconds(500));
  lane_.Query(member, "t");
  Said();
  clock_.Advance(absl::Milliseconds(500));
  lane_.EndQueries();
  EXPECT_EQ(clients_[1].frames.size(), 1u);
  EXPECT_THAT(Said(), IsEmpty()) << "the second one waits on";
  clock_.Advance(absl::Milliseconds(500));
  lane_.EndQueries();
  EXPECT_EQ(clients_[1].frames.size(), 2u);
  EXPECT_THAT(Said(), ElementsAre("QUERY_ENDED 1 t"));
  lane_.Query(member, "t");
  lane_.Query(member, "t");
  AnswerWithBlob(1, "t", "blob");
  EXPECT_EQ(clients_[1].frames.size(), 4u);
}

TEST_F(LaneQueries, OfOneTopicAreSentToTheCoreOnce) {
  Lane::Member* member = Join(1);
  for (int i = 0; i < 10; ++i) lane_.Query(member, "t");
  lane_.Query(member, "u");
  EXPECT_THAT(Said(), ElementsAre("PEER_OPENED 1", "QUERIED 1 t", "QUERIED 1 u"));
  AnswerWithBlob(1, "t", "blob");
  EXPECT_EQ(clients_[1].frames.size(), 10u);
  lane_.Query(member, "t");
  EXPECT_THAT(Said(), ElementsAre("QUERIED 1 t"));
}

TEST_F(LaneQueries, HaveTheMaximumSizeOfTheirAnswer) {
  Lane::PeerFacts facts;
  facts.user_agent = "Python/3.11";
  lane_.Query(lane_.Join(2, &clients_[2], facts), "t");
  lane_.Query(Join(1), "t");
  lane_.Flush();
  std::vector<uint32_t> bytes;
  for (const LaneEvent& event : link_.TakeEvents()) {
    if (event.kind() == LaneEvent::KIND_QUERIED) bytes.push_back(event.max_answer_bytes());
  }
  EXPECT_THAT(bytes, ElementsAre(wire::kMaxLargeResultBytes, wire::kMaxResultBytes));
}

TEST_F(LaneQueries, CountTheRecordsThatTheCoreHadNoRoomFor) {
  lane_.Query(Join(1), "t");
  CoreToLane message;
  Answer* answer = message.add_answers();
  answer->set_peer(1);
  answer->set_topic("t");
  answer->set_left_out(3);
  lane_.OnCoreMessage(message);
  EXPECT_EQ(Dropped(DropReason::kResultCut), 3u);
  EXPECT_EQ(clients_[1].frames.size(), 1u);
}

TEST_F(LaneQueries, OfAMemberThatLeftAreForgotten) {
  Lane::Member* member = Join(1);
  lane_.Query(member, "t");
  lane_.Leave(member, 0, "client_gone");
  Said();
  AnswerWithBlob(1, "t", "blob");
  clock_.Advance(absl::Seconds(2));
  lane_.EndQueries();
  EXPECT_THAT(clients_[1].frames, IsEmpty());
  EXPECT_THAT(Said(), IsEmpty());
}

TEST_F(LaneQueries, BeyondMaxHeldAreAnsweredEmptyAtOnce) {
  limits_.max_held_queries = 2;
  Lane::Member* member = Join(1);
  for (const char* topic : {"a", "b", "c"}) lane_.Query(member, topic);
  ASSERT_EQ(clients_[1].frames.size(), 1u);
  EXPECT_THAT(clients_[1].frames[0], HasSubstr(R"("topic":"c")"));
  EXPECT_THAT(clients_[1].frames[0], HasSubstr(kEmptyResult));
  EXPECT_THAT(Said(), ElementsAre("PEER_OPENED 1", "QUERIED 1 a", "QUERIED 1 b"));
}

TEST_F(LaneQueries, ThatWaitAreRepeatedInASnapshot) {
  lane_.Query(Join(1), "t");
  Said();
  link_.BeginKind(CoreSession::Kind::kNewCore);
  EXPECT_THAT(Said(), ElementsAre("PEER_OPENED 1", "QUERIED 1 t", "SNAPSHOT_END 0"));
}

using LaneRecords = LaneTest;

TEST_F(LaneRecords, ArePublishedWithANumberAndTheirBlobAsAPayload) {
  limits_.record_ttl = absl::Seconds(90);
  Lane::Member* member = Join(1);
  lane_.Subscribe(member, "t");
  Said();
  Relay(member, "t", "p");
  lane_.Publish(member, "t", {"peer", "blob", {}});
  lane_.Flush();
  const std::vector<LaneEvent> events = link_.TakeEvents();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(Word(events[1]), "PUBLISHED 1 t");
  EXPECT_EQ(events[1].seq(), 2u);
  EXPECT_EQ(events[1].payload(), "blob");
  EXPECT_EQ(events[1].record().connection(), 1u);
  EXPECT_EQ(events[1].record().peer_id(), "peer");
  EXPECT_EQ(events[1].record().blob(), "blob");
  EXPECT_EQ(events[1].record().ttl_us(), 90'000'000);
}

TEST_F(LaneRecords, HaveTheAddressOfTheirPublisher) {
  Lane::PeerFacts facts;
  facts.remote_address = "[2001:db8::1:2:3:4]:5678";
  lane_.Publish(lane_.Join(1, &clients_[1], facts), "t", {"peer", "blob", {}});
  lane_.Flush();
  EXPECT_EQ(link_.TakeEvents().back().record().source(), "2001:db8::/64");
}

TEST_F(LaneRecords, OfPublishersThatLeftAreRepeatedInASnapshotUntilTheyExpire) {
  limits_.record_ttl = absl::Seconds(90);
  Lane::Member* member = Join(1);
  lane_.Publish(member, "t", {"", "old", {}});
  lane_.Publish(member, "t", {"", "new", {}});
  lane_.Leave(member, 0, "client_gone");
  Said();
  link_.AcceptAll();
  clock_.Advance(absl::Seconds(30));
  Settle(1, 2);
  link_.BeginKind(CoreSession::Kind::kNewCore);
  lane_.Flush();
  const std::vector<LaneEvent> events = link_.TakeEvents();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(Word(events[0]), "PUBLISHED 1 t");
  EXPECT_EQ(events[0].seq(), 0u) << "it would be relayed again";
  EXPECT_EQ(events[0].record().blob(), "new");
  EXPECT_EQ(events[0].record().ttl_us(), 60'000'000);
  EXPECT_EQ(Word(events[1]), "SNAPSHOT_END 0");
  clock_.Advance(absl::Seconds(60));
  link_.BeginKind(CoreSession::Kind::kNewCore);
  EXPECT_THAT(Said(), ElementsAre("SNAPSHOT_END 0"));
}

TEST_F(LaneRecords, AreNotKeptForACoreThatCannotLoseThem) {
  link_.breakable = false;
  lane_.Publish(Join(1), "t", {"", "blob", {}});
  Said();
  link_.BeginKind(CoreSession::Kind::kNewCore);
  EXPECT_THAT(Said(), ElementsAre("PEER_OPENED 1", "SNAPSHOT_END 0"));
}

}  // namespace
}  // namespace cairn::edge

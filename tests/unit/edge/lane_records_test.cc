// What a lane does besides relaying: reports to the core, orders from it, records and queries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/wire/ws_encoder.h"
#include "tests/support/lane_fixture.h"

namespace cairn::edge {
namespace {

using signaling::v1::Answer;
using signaling::v1::Command;
using signaling::v1::CoreToLane;
using signaling::v1::LaneEvent;
using signaling::v1::LaneStats;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class LaneReports : public LaneTest {
 protected:
  // The figures of the members that a report tells of.
  std::map<uint64_t, signaling::v1::PeerStats> Reported() {
    lane_.Flush();
    link_.submitted.clear();
    lane_.Report(false);
    lane_.Flush();
    std::map<uint64_t, signaling::v1::PeerStats> stats;
    for (const LaneEvent& event : link_.TakeEvents()) {
      EXPECT_EQ(event.kind(), LaneEvent::KIND_PEER_STATS);
      stats[event.peer()] = event.stats();
    }
    return stats;
  }
};

TEST_F(LaneReports, HaveTheCountersOfTheLane) {
  for (int i = 0; i < 5; ++i) counters_.CountIn(i < 2 ? MessageForm::kCbor : MessageForm::kJson, 9);
  counters_.frames_delivered.Add(7);
  counters_.Count(CloseReason::kSlowReader);
  counters_.Count(CloseReason::kSlowReader);
  counters_.Count(DropReason::kTooDeep);
  link_.unaccepted_cost = 99;
  lane_.Tick();
  link_.submitted.clear();
  EXPECT_FALSE(lane_.Report(true));
  lane_.Flush();
  ASSERT_EQ(link_.submitted.size(), 1u);
  const LaneStats& stats = link_.submitted[0].stats();
  EXPECT_EQ(stats.messages_in(), 5u);
  EXPECT_EQ(stats.frames_delivered(), 7u);
  EXPECT_EQ(stats.backlog_bytes(), 99u);
  EXPECT_TRUE(stats.draining());
  ASSERT_EQ(stats.closes_size(), 1);
  EXPECT_EQ(stats.closes(0).name(), "slow_reader");
  EXPECT_EQ(stats.closes(0).count(), 2u);
  ASSERT_EQ(stats.drops_size(), 1);
  EXPECT_EQ(stats.drops(0).name(), "cbor_too_deep");
}

TEST_F(LaneReports, HaveTheMembersWithChanges) {
  Lane::Member* one = Join(1);
  Lane::Member* two = JoinAndSubscribe(2, "t");
  Join(3);
  lane_.SetReadTime(1000);
  lane_.NoteMessage(one, 30, "cbor");
  lane_.NoteMessage(one, 12, "cbor");
  lane_.NoteRtt(two, absl::Milliseconds(3));
  Deliver(1, 1, "t", "payload");
  clients_[2].queued = 19;
  const auto stats = Reported();
  ASSERT_EQ(stats.size(), 2u);
  EXPECT_EQ(stats.at(1).messages_in(), 2u);
  EXPECT_EQ(stats.at(1).bytes_in(), 42u);
  EXPECT_EQ(stats.at(1).last_activity_us(), 1000);
  EXPECT_EQ(stats.at(1).dialect(), "cbor");
  EXPECT_EQ(stats.at(2).messages_out(), 1u);
  EXPECT_EQ(stats.at(2).bytes_out(), clients_[2].frames.at(0).size());
  EXPECT_EQ(stats.at(2).rtt_us(), 3000);
  EXPECT_EQ(stats.at(2).queued_bytes(), 19u);
  EXPECT_THAT(Reported(), IsEmpty());
  lane_.NoteMessage(two, 1, "cbor");
  EXPECT_EQ(Reported().size(), 1u);
}

TEST_F(LaneReports, LeaveOutMembersThatHaveLeft) {
  Lane::Member* one = Join(1);
  lane_.NoteMessage(one, 1, "cbor");
  lane_.Leave(one, 0, "client_gone");
  EXPECT_THAT(Reported(), IsEmpty());
}

TEST_F(LaneReports, ComeInPortions) {
  constexpr size_t kMembers = Lane::kReportsPerCall + 1;
  for (uint64_t peer = 1; peer <= kMembers; ++peer) lane_.NoteMessage(Join(peer), 1, "cbor");
  Said();
  EXPECT_TRUE(lane_.Report(false));
  EXPECT_EQ(Said().size(), Lane::kReportsPerCall);
  EXPECT_FALSE(lane_.Report(false));
  EXPECT_EQ(Said().size(), 1u);
}

TEST_F(LaneReports, LatencyRunsFromTheReadToTheDeliveryAndIsNeverNegative) {
  JoinAndSubscribe(1, "t");
  JoinAndSubscribe(2, "t");
  CoreToLane message;
  for (uint64_t seq = 1; seq <= 3; ++seq) AddDelivery(message, kOtherLane, seq, 9, "t", "p");
  message.mutable_deliveries(0)->set_read_us(clock_.WallTimeUs() - 200);
  message.mutable_deliveries(1)->set_read_us(clock_.WallTimeUs() + 1'000'000);
  lane_.OnCoreMessage(message);  // the third does not say when it was read
  EXPECT_EQ(counters_.relay_latency.bucket(0), 2u);
  EXPECT_EQ(counters_.relay_latency.bucket(2), 2u) << "up to 250 us, once for each subscriber";
  EXPECT_EQ(counters_.relay_latency.sum(), 400u);
}

using LaneOrders = LaneTest;

TEST_F(LaneOrders, ADisconnectReachesOnlyItsPeerWithTheOperatorsReason) {
  Join(1);
  Join(2);
  CoreToLane message;
  for (const uint64_t peer : {2u, 3u}) {
    Command* command = message.add_commands();
    command->set_kind(Command::KIND_DISCONNECT);
    command->set_peer(peer);
    command->set_close_code(4001);
    command->set_close_reason("maintenance");
  }
  lane_.OnCoreMessage(message);
  EXPECT_THAT(clients_[1].disconnects, IsEmpty());
  EXPECT_THAT(clients_[2].disconnects, ElementsAre(Pair(4001, "maintenance")));
}

TEST_F(LaneOrders, DrainAndLogLevelGoToTheProcess) {
  int drains = 0;
  std::vector<std::string> directives;
  CoreToLane message;
  message.add_commands()->set_kind(Command::KIND_DRAIN);
  Command* log = message.add_commands();
  log->set_kind(Command::KIND_LOG_LEVEL);
  log->set_log_directives("debug");
  message.add_commands()->set_kind(Command::KIND_UNSPECIFIED);
  lane_.OnCoreMessage(message);  // nobody carries them out yet
  lane_.SetOrders(
      {[&] { ++drains; }, [&](const std::string& text) { directives.push_back(text); }});
  lane_.OnCoreMessage(message);
  EXPECT_EQ(drains, 1);
  EXPECT_THAT(directives, ElementsAre("debug"));
}

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

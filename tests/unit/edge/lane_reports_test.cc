// The reports that a lane sends to its core, and the core's orders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "proto/wire/ws_encoder.h"
#include "tests/support/lane_fixture.h"

namespace cairn::edge {
namespace {

using signaling::v1::Command;
using signaling::v1::CoreToLane;
using signaling::v1::LaneEvent;
using signaling::v1::LaneStats;
using testing::ElementsAre;
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

}  // namespace
}  // namespace cairn::edge

// What a lane tells a core, and in which order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "proto/link/cost.h"
#include "tests/support/lane_session_fixture.h"

namespace cairn::edge {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// ---- snapshots

TEST_F(LaneSession, ANewCoreGetsEveryMemberWithItsTopicsAndThenTheEndOfTheSnapshot) {
  Lane::Member* one = lane_.Join(1, &clients_[1], {5, "192.0.2.1:1", "agent", "", {}});
  lane_.Subscribe(one, "t");
  lane_.Subscribe(one, "u");
  Join(2);
  Lane::Member* gone = JoinAndSubscribe(3, "t");
  lane_.Leave(gone, 0, "client_gone");
  lane_.NoteMessage(one, 10, "cbor");
  Said();
  link_.BeginKind(Kind::kNewCore);
  lane_.Flush();
  const std::vector<LaneEvent> events = link_.TakeEvents();
  std::vector<std::string> words;
  std::set<uint64_t> opened;
  for (const LaneEvent& event : events) {
    words.push_back(Word(event));
    if (event.kind() == LaneEvent::KIND_SUBSCRIBED) {
      EXPECT_TRUE(opened.contains(event.peer())) << "said before it was opened";
    }
    if (event.kind() != LaneEvent::KIND_PEER_OPENED) continue;
    opened.insert(event.peer());
    EXPECT_EQ(event.has_stats(), event.peer() == 1) << "figures of one that has some";
    if (event.peer() != 1) continue;
    EXPECT_EQ(event.info().remote_address(), "192.0.2.1:1");
    EXPECT_EQ(event.info().user_agent(), "agent");
    EXPECT_EQ(event.stats().messages_in(), 1u);
  }
  EXPECT_THAT(words, UnorderedElementsAre("PEER_OPENED 1", "SUBSCRIBED 1 t", "SUBSCRIBED 1 u",
                                          "PEER_OPENED 2", "SNAPSHOT_END 0"));
  EXPECT_EQ(words.back(), "SNAPSHOT_END 0");
  EXPECT_THAT(Said(), IsEmpty());
}

TEST_F(LaneSession, ASnapshotIsSentInPiecesAsRoomAllows) {
  for (uint64_t peer = 1; peer <= 50; ++peer) JoinAndSubscribe(peer, "t");
  Said();
  link_.room = 1000;
  link_.BeginKind(Kind::kNewCore);
  std::vector<std::string> told;
  int pieces = 0;
  while (told.empty() || told.back() != "SNAPSHOT_END 0") {
    ASSERT_LT(++pieces, 200);
    const std::vector<std::string> piece = Said();
    EXPECT_LT(piece.size(), 20u);
    told.insert(told.end(), piece.begin(), piece.end());
    link_.MakeRoom(1000);
  }
  EXPECT_GT(pieces, 10);
  EXPECT_THAT(told, SizeIs(101));
  EXPECT_EQ(std::set<std::string>(told.begin(), told.end()).size(), 101u) << "each once";
}

TEST_F(LaneSession, ASnapshotTravelsInPiecesOfTheirOwnSoThatASlowLinkShowsProgress) {
  constexpr size_t kPiece = 64 << 10;
  for (uint64_t peer = 1; peer <= 2000; ++peer) JoinAndSubscribe(peer, "t");
  Said();
  link_.apart = 0;
  link_.BeginKind(Kind::kNewCore);
  lane_.Flush();
  ASSERT_GT(link_.submitted.size(), 5u);
  EXPECT_EQ(link_.apart, link_.submitted.size());
  for (const LaneToCore& piece : link_.submitted) EXPECT_LT(link::CostOf(piece), kPiece + 2000);
  EXPECT_THAT(link_.TakeEvents(), SizeIs(4001));
  // What comes then gathers as it always does.
  for (uint64_t peer = 3001; peer <= 5000; ++peer) JoinAndSubscribe(peer, "t");
  const size_t apart = link_.apart;
  lane_.Flush();
  EXPECT_THAT(link_.submitted, SizeIs(1));
  EXPECT_EQ(link_.apart, apart);
}

TEST_F(LaneSession, NoMoreIsTakenOutThanThereIsRoomButForOneMember) {
  for (uint64_t peer = 1; peer <= 50; ++peer) Join(peer);
  Said();
  link_.room = 2000;
  link_.BeginKind(Kind::kNewCore);
  lane_.Flush();
  size_t cost = 0, largest = 0;
  for (const LaneEvent& event : link_.TakeEvents()) {
    cost += link::CostOf(event);
    largest = std::max(largest, link::CostOf(event));
  }
  EXPECT_GE(cost, 2000u);
  EXPECT_LE(cost, 2000u + largest);
}

TEST_F(LaneSession, ChangesDuringASnapshotAreAppliedCorrectly) {
  Lane::Member* one = JoinAndSubscribe(1, "t");
  Lane::Member* two = JoinAndSubscribe(2, "t");
  Said();
  link_.room = 1;  // one member fits
  link_.BeginKind(Kind::kNewCore);
  std::vector<std::string> told = Said();
  ASSERT_THAT(told, SizeIs(2));
  Lane::Member* known = told[0] == "PEER_OPENED 1" ? one : two;
  Lane::Member* unknown = known == one ? two : one;
  const std::string known_id = std::to_string(known->peer), id = std::to_string(unknown->peer);
  // The core knows the first: a change of it has to be told; the other is told as it is then.
  lane_.Unsubscribe(known, "t");
  lane_.Subscribe(known, "u");
  lane_.Unsubscribe(unknown, "t");
  lane_.Subscribe(unknown, "v");
  Relay(known, "x", "p");
  Lane::Member* passing = Join(3);
  lane_.Leave(passing, 0, "client_gone");
  EXPECT_THAT(Said(), IsEmpty());
  link_.MakeRoom(1 << 20);
  EXPECT_THAT(Said(), ElementsAre("PEER_OPENED " + id, "SUBSCRIBED " + id + " v", "SNAPSHOT_END 0",
                                  "UNSUBSCRIBED " + known_id + " t",
                                  "SUBSCRIBED " + known_id + " u", "RELAYED " + known_id + " x"));
}

TEST_F(LaneSession, AMemberThatLeavesBeforeItWasSentIsNotSent) {
  Lane::Member* member = JoinAndSubscribe(1, "t");
  Said();
  link_.room = 0;
  link_.BeginKind(Kind::kNewCore);
  lane_.Leave(member, 0, "client_gone");
  link_.MakeRoom(1 << 20);
  EXPECT_THAT(Said(), ElementsAre("SNAPSHOT_END 0"));
}

TEST(LaneBeforeItsFirstSession, KeepsItsEvents) {
  FakeClock clock;
  EdgeLimits limits;
  EdgeCounters counters;
  FakeClient client;
  Lane lane({1, "edge", 0}, limits, counters, clock);
  FakeCoreLink link(lane);
  link.begins_at_once = false;
  lane.Connect(&link);
  Lane::Member* member = lane.Join(5, &client, {});
  lane.Subscribe(member, "t");
  wire::Message message;
  message.kind = wire::MessageKind::kRelay;
  message.topic = "t";
  lane.Relay(member, message, 0);
  lane.Flush();
  EXPECT_THAT(link.submitted, IsEmpty());
  EXPECT_FALSE(lane.finished());
  link.Begin({});
  lane.Flush();
  std::vector<LaneEvent::Kind> kinds;
  for (const LaneEvent& event : link.TakeEvents()) kinds.push_back(event.kind());
  EXPECT_THAT(kinds, ElementsAre(LaneEvent::KIND_PEER_OPENED, LaneEvent::KIND_SUBSCRIBED,
                                 LaneEvent::KIND_SNAPSHOT_END, LaneEvent::KIND_RELAYED));
}

// ---- without room

TEST_F(LaneSession, WithoutRoomChangesOfOneSubscriptionAreOneEntryAndRelaysKeepTheirPlace) {
  Lane::Member* one = JoinAndSubscribe(1, "t");
  Said();
  link_.room = 0;
  lane_.OnRoom();
  Relay(one, "x", "first");
  for (int i = 0; i < 1000; ++i) {
    lane_.Subscribe(one, "u");
    lane_.Unsubscribe(one, "u");
  }
  lane_.Tick();
  EXPECT_LT(lane_.backlog_bytes(), 2000u);
  lane_.Subscribe(one, "u");
  lane_.Unsubscribe(one, "t");
  Relay(one, "x", "second");
  EXPECT_THAT(Said(), IsEmpty());
  link_.MakeRoom(1 << 20);
  EXPECT_THAT(Said(),
              ElementsAre("RELAYED 1 x", "SUBSCRIBED 1 u", "UNSUBSCRIBED 1 t", "RELAYED 1 x"));
}

TEST_F(LaneSession, WithoutRoomASubscriptionChangedBackIsNotSent) {
  Lane::Member* one = JoinAndSubscribe(1, "t");
  Said();
  link_.room = 0;
  lane_.OnRoom();
  lane_.Unsubscribe(one, "t");
  lane_.Subscribe(one, "t");
  lane_.Subscribe(one, "u");
  lane_.Unsubscribe(one, "u");
  link_.MakeRoom(1 << 20);
  EXPECT_THAT(Said(), IsEmpty());
  link_.BeginKind(Kind::kNewCore);
  EXPECT_THAT(NewTold(), ElementsAre(false)) << "nobody was told that it left";
}

TEST_F(LaneSession, WithoutRoomAReportWaits) {
  lane_.NoteMessage(Join(1), 10, "cbor");
  Said();
  link_.room = 0;
  lane_.OnRoom();
  EXPECT_TRUE(lane_.Report(false)) << "there is more to tell";
  lane_.Flush();
  EXPECT_THAT(link_.submitted, IsEmpty());
}

// ---- peers that are new to others

TEST_F(LaneSession, ASubscriptionIsNewUntilItWasSentToACore) {
  Lane::Member* one = JoinAndSubscribe(1, "t");
  EXPECT_THAT(NewTold(), ElementsAre(true));
  link_.BeginKind(Kind::kNewCore);
  EXPECT_THAT(NewTold(), ElementsAre(false));
  link_.room = 0;
  link_.BeginKind(Kind::kNewCore);
  lane_.Subscribe(one, "u");
  link_.MakeRoom(1 << 20);
  EXPECT_THAT(NewTold(), UnorderedElementsAre(false, true));
}

TEST_F(LaneSession, ASubscriptionThatTheLastCoreDidNotAnnounceIsStillNew) {
  JoinAndSubscribe(1, "t");
  Accept();
  JoinAndSubscribe(2, "u");
  link_.BeginKind(Kind::kNewCore, Unaccepted());
  lane_.Flush();
  std::map<uint64_t, bool> is_new;
  for (const LaneEvent& event : link_.TakeEvents()) {
    if (event.kind() == LaneEvent::KIND_SUBSCRIBED) is_new[event.peer()] = event.is_new();
  }
  EXPECT_EQ(is_new, (std::map<uint64_t, bool>{{1, false}, {2, true}}));
}

TEST_F(LaneSession, OfACoreThatGaveTheLaneUpEverySubscriptionIsNew) {
  JoinAndSubscribe(1, "t");
  Accept();
  link_.BeginKind(Kind::kGivenUp);
  EXPECT_THAT(NewTold(), ElementsAre(true)) << "others were told that it left";
  link_.BeginKind(Kind::kLate);
  EXPECT_THAT(NewTold(), ElementsAre(false));
}

}  // namespace
}  // namespace cairn::edge

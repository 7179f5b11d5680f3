// What a lane tells a core, in which order, and what it tells the next one again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "proto/link/cost.h"
#include "proto/link/timing.h"
#include "tests/support/lane_fixture.h"

namespace cairn::edge {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;
using signaling::v1::Notice;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

using Kind = CoreSession::Kind;

class LaneSession : public LaneTest {
 protected:
  // The numbers of what was told since the last call; 0 for what has none.
  std::vector<uint64_t> NumbersTold() {
    lane_.Flush();
    std::vector<uint64_t> numbers;
    for (const LaneEvent& event : link_.TakeEvents()) numbers.push_back(event.seq());
    return numbers;
  }
  // Of them, only the numbered.
  std::vector<uint64_t> RelaysTold() {
    std::vector<uint64_t> numbers = NumbersTold();
    std::erase(numbers, 0u);
    return numbers;
  }
  // What was submitted and not accepted, as the link hands it over.
  std::vector<LaneToCore> Unaccepted() {
    lane_.Flush();
    return std::exchange(link_.submitted, {});
  }
  // Everything told since the last call is accepted.
  void Accept() {
    lane_.Flush();
    link_.AcceptAll();
    link_.submitted.clear();
  }
  // The subscriptions told since the last call: whether each is new.
  std::vector<bool> NewTold() {
    lane_.Flush();
    std::vector<bool> flags;
    for (const LaneEvent& event : link_.TakeEvents()) {
      if (event.kind() == LaneEvent::KIND_SUBSCRIBED) flags.push_back(event.is_new());
    }
    return flags;
  }
  void BeginAfter(Kind kind, absl::Duration outage, std::vector<LaneToCore> unaccepted) {
    CoreSession session;
    session.kind = kind;
    session.outage = outage;
    session.unaccepted = std::move(unaccepted);
    link_.unaccepted_cost = 0;
    link_.Begin(std::move(session));
  }
};

// ---- snapshots

TEST_F(LaneSession, ANewCoreIsToldEveryMemberWithItsTopicsAndThenThatThisIsAll) {
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

TEST_F(LaneSession, ASnapshotIsToldInPiecesAsThereIsRoom) {
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

TEST_F(LaneSession, WhatHappensWhileTheSnapshotIsToldComesOutRight) {
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

TEST_F(LaneSession, AMemberThatLeavesBeforeItWasToldIsNotTold) {
  Lane::Member* member = JoinAndSubscribe(1, "t");
  Said();
  link_.room = 0;
  link_.BeginKind(Kind::kNewCore);
  lane_.Leave(member, 0, "client_gone");
  link_.MakeRoom(1 << 20);
  EXPECT_THAT(Said(), ElementsAre("SNAPSHOT_END 0"));
}

TEST(LaneBeforeItsFirstSession, KeepsWhatItHasToTell) {
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

TEST_F(LaneSession, WithoutRoomASubscriptionThatIsBackAsItWasIsNotTold) {
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

// ---- relays of the last session

TEST_F(LaneSession, ANewCoreIsToldTheRelaysThatMayNotHaveArrivedAfterTheSnapshotInOrder) {
  Lane::Member* one = JoinAndSubscribe(1, "t");
  for (int i = 0; i < 3; ++i) Relay(one, "t", "accepted");
  Accept();
  Settle(2, 2);
  Relay(one, "t", "on its way");
  std::vector<LaneToCore> unaccepted = Unaccepted();
  link_.room = 0;
  lane_.OnRoom();
  Relay(one, "t", "waits");
  link_.room = FakeCoreLink::kUnlimited;
  BeginAfter(Kind::kNewCore, absl::Seconds(1), std::move(unaccepted));
  EXPECT_THAT(NumbersTold(), ElementsAre(0, 0, 0, 1, 3, 4, 5));
  EXPECT_EQ(Dropped(DropReason::kRelayUnsure), 0u);
}

TEST_F(LaneSession, ACoreThatCameTooLateIsToldThemToo) {
  Lane::Member* one = Join(1);
  Relay(one, "t", "p");
  Accept();
  Relay(one, "t", "p");
  BeginAfter(Kind::kLate, absl::Seconds(20), Unaccepted());
  EXPECT_THAT(RelaysTold(), ElementsAre(1, 2));
}

TEST_F(LaneSession, ACoreThatHasGivenTheLaneUpIsToldThemToo) {
  Lane::Member* one = Join(1);
  for (int i = 0; i < 3; ++i) Relay(one, "t", "accepted");
  Accept();
  Settle(2, 2);
  for (int i = 0; i < 2; ++i) Relay(one, "t", "on its way");
  BeginAfter(Kind::kGivenUp, absl::Seconds(20), Unaccepted());
  EXPECT_THAT(RelaysTold(), ElementsAre(1, 3, 4, 5));
  EXPECT_EQ(Dropped(DropReason::kRelayUnsure), 0u);
}

TEST_F(LaneSession, OfARecordThatIsNotTheNewestOnlyTheRelayIsToldAgain) {
  Lane::Member* one = Join(1);
  lane_.Publish(one, "t", {"me", "blob", {}});
  Accept();
  lane_.Publish(one, "t", {"me", "newer", {}});
  BeginAfter(Kind::kNewCore, absl::Seconds(1), Unaccepted());
  lane_.Flush();
  std::vector<std::string> records, relays;
  for (const LaneEvent& event : link_.TakeEvents()) {
    if (event.kind() == LaneEvent::KIND_PUBLISHED) {
      records.push_back(std::to_string(event.seq()) + " " + event.record().blob());
    } else if (event.seq() != 0) {
      EXPECT_EQ(event.kind(), LaneEvent::KIND_RELAYED);
      EXPECT_FALSE(event.has_record()) << "it would take the place of the newer one";
      relays.push_back(std::to_string(event.seq()) + " " + event.payload());
    }
  }
  EXPECT_THAT(records, ElementsAre("0 newer", "2 newer")) << "in the snapshot, and as it came";
  EXPECT_THAT(relays, ElementsAre("1 blob"));
}

TEST_F(LaneSession, AfterTooLongAnOutageWhatMayHaveArrivedIsDroppedAndCounted) {
  const absl::Duration kept = absl::FromChrono(link::kUnsureRelaysKept);
  Lane::Member* one = Join(1);
  Relay(one, "t", "accepted");
  Accept();
  Relay(one, "t", "on its way");
  BeginAfter(Kind::kNewCore, kept, Unaccepted());
  EXPECT_EQ(Dropped(DropReason::kRelayUnsure), 0u);
  std::vector<LaneToCore> unaccepted = Unaccepted();
  link_.room = 0;
  lane_.OnRoom();
  Relay(one, "t", "never written");
  link_.room = FakeCoreLink::kUnlimited;
  BeginAfter(Kind::kNewCore, kept + absl::Microseconds(1), std::move(unaccepted));
  EXPECT_THAT(RelaysTold(), ElementsAre(3));
  EXPECT_EQ(Dropped(DropReason::kRelayUnsure), 2u);
}

TEST_F(LaneSession, RelaysAreToldAgainHoweverOftenCoresEnd) {
  Lane::Member* one = Join(1);
  for (int i = 0; i < 3; ++i) Relay(one, "t", "p");
  for (int cores = 0; cores < 5; ++cores) {
    // Relays that the core has taken, and relays that were on their way to it.
    if (cores % 2 == 1) Accept();
    BeginAfter(Kind::kNewCore, absl::Seconds(1), Unaccepted());
    lane_.Flush();
    std::vector<uint64_t> numbers;
    for (const LaneToCore& batch : link_.submitted) {
      for (const LaneEvent& event : batch.events()) {
        if (event.seq() != 0) numbers.push_back(event.seq());
      }
    }
    ASSERT_THAT(numbers, ElementsAre(1, 2, 3)) << cores;
  }
}

TEST_F(LaneSession, ASenderThatHasItsReceiptDoesNotAskTheNextCore) {
  Lane::Member* member = Join(1, wire::Dialect::kV2);
  wire::Message message;
  message.kind = wire::MessageKind::kRelay;
  message.topic = "t";
  message.receipt_id = 9;
  lane_.Relay(member, message, 0);
  lane_.Relay(member, message, 0);
  Accept();
  CoreToLane down;
  Notice* receipt = down.add_notices();
  receipt->set_kind(Notice::KIND_RECEIPT);
  receipt->set_peer(1);
  receipt->set_receipt_id(9);
  receipt->set_seq(1);
  lane_.OnCoreMessage(down);
  link_.BeginKind(Kind::kNewCore);
  lane_.Flush();
  std::vector<bool> wanted;
  for (const LaneEvent& event : link_.TakeEvents()) {
    if (event.kind() == LaneEvent::KIND_RELAYED) wanted.push_back(event.wants_receipt());
  }
  EXPECT_THAT(wanted, ElementsAre(false, true));
}

TEST_F(LaneSession, ARelayThatAnotherCoreBringsAgainIsDropped) {
  JoinAndSubscribe(1, "t");
  Deliver(5, 9, "t");
  link_.BeginKind(Kind::kNewCore);
  Deliver(5, 9, "t");
  EXPECT_THAT(clients_[1].frames, SizeIs(1));
  EXPECT_EQ(Dropped(DropReason::kDuplicate), 1u);
}

// ---- who is new to the others

TEST_F(LaneSession, ASubscriptionIsNewUntilACoreWasToldOfIt) {
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

TEST_F(LaneSession, OneThatTheLastCoreDidNotLiveToTellOfIsStillNew) {
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

// ---- rosters

TEST_F(LaneSession, TheRosterIsTheLastCompleteOneWithWhatIsAddedToIt) {
  const auto tell = [this](std::initializer_list<uint64_t> lanes, uint64_t core, uint64_t version) {
    CoreToLane message;
    for (const uint64_t lane : lanes) message.mutable_roster()->add_lanes(lane);
    message.mutable_roster()->set_complete(core != 0);
    message.mutable_roster()->mutable_stamp()->set_core_id(core);
    message.mutable_roster()->mutable_stamp()->set_version(version);
    lane_.OnCoreMessage(message);
  };
  tell({kLane, kOtherLane}, 77, 5);
  CoreToLane nothing;
  lane_.OnCoreMessage(nothing);
  EXPECT_THAT(lane_.roster().lanes(), ElementsAre(kLane, kOtherLane));
  EXPECT_TRUE(lane_.roster().complete());
  // A core that still waits must not make the lane forget whom the next one has to wait for.
  tell({kLane, 44}, 0, 0);
  tell({kLane, kOtherLane, 44, 45}, 0, 0);
  EXPECT_THAT(lane_.roster().lanes(), ElementsAre(kLane, kOtherLane));
  EXPECT_THAT(lane_.roster().awaited(), ElementsAre(44, 45));
  EXPECT_TRUE(lane_.roster().complete());
  EXPECT_EQ(lane_.roster().stamp().core_id(), 77u) << "whose roster it was, the next core compares";
  EXPECT_EQ(lane_.roster().stamp().version(), 5u);
  tell({kLane}, 88, 2);
  EXPECT_THAT(lane_.roster().lanes(), ElementsAre(kLane));
  EXPECT_THAT(lane_.roster().awaited(), IsEmpty());
  EXPECT_EQ(lane_.roster().stamp().core_id(), 88u);
  EXPECT_EQ(lane_.roster().stamp().version(), 2u);
}

// ---- bounds

TEST_F(LaneSession, TooMuchThatTheCoreHasNotTakenStopsReadingUntilHalfOfItIsTaken) {
  limits_.max_backlog_bytes = 100'000;
  Lane::Member* one = Join(1);
  Said();
  link_.unaccepted_cost = 0;
  const auto flush_at = [this](size_t cost) {
    link_.unaccepted_cost = cost;
    lane_.Flush();
    return lane_.congested();
  };
  EXPECT_FALSE(flush_at(100'000));
  EXPECT_TRUE(flush_at(100'001));
  EXPECT_TRUE(flush_at(50'001)) << "it would stop and go";
  EXPECT_FALSE(flush_at(50'000));
  // What waits in the lane counts too.
  link_.room = 0;
  lane_.OnRoom();
  Relay(one, "t", std::string(60'000, 'x'));
  EXPECT_TRUE(flush_at(50'000));
  EXPECT_GT(lane_.backlog_bytes(), 110'000u);
}

TEST_F(LaneSession, TooManyRelaysThatHaveNotArrivedStopReadingToo) {
  limits_.max_open_bytes = 100'000;
  Lane::Member* one = Join(1);
  Relay(one, "t", std::string(60'000, 'x'));
  Relay(one, "t", std::string(60'000, 'x'));
  Accept();
  lane_.Flush();
  EXPECT_TRUE(lane_.congested());
  Settle(2, 2);
  lane_.Tick();
  EXPECT_TRUE(lane_.congested());
  Settle(1, 1);
  lane_.Tick();
  EXPECT_FALSE(lane_.congested());
  EXPECT_EQ(lane_.backlog_bytes(), 0u);
}

// ---- the end

TEST_F(LaneSession, GoodbyeIsTheLastWordAndTheLaneIsFinishedWhenEverythingHasArrived) {
  Lane::Member* one = Join(1);
  Relay(one, "t", "p");
  lane_.Leave(one, 0, "client_gone");
  lane_.SayGoodbye();
  EXPECT_THAT(Said(), ElementsAre("PEER_OPENED 1", "RELAYED 1 t", "PEER_CLOSED 1", "GOODBYE 0"));
  EXPECT_FALSE(lane_.finished());
  LaneToCore relayed;
  relayed.add_events()->set_seq(1);
  lane_.OnAccepted(relayed);
  link_.unaccepted_cost = 0;
  EXPECT_FALSE(lane_.finished()) << "some lane may not have it";
  Settle(1, 1);
  EXPECT_TRUE(lane_.finished());
  EXPECT_THAT(Said(), IsEmpty());
}

TEST_F(LaneSession, GoodbyeIsSaidToTheNextCoreToo) {
  lane_.SayGoodbye();
  EXPECT_THAT(Said(), ElementsAre("GOODBYE 0"));
  link_.BeginKind(Kind::kNewCore);
  EXPECT_FALSE(lane_.finished());
  EXPECT_THAT(Said(), ElementsAre("SNAPSHOT_END 0", "GOODBYE 0"));
}

TEST_F(LaneSession, WithoutRoomGoodbyeWaits) {
  link_.room = 0;
  lane_.OnRoom();
  lane_.SayGoodbye();
  EXPECT_THAT(Said(), IsEmpty());
  EXPECT_FALSE(lane_.finished());
  link_.MakeRoom(1000);
  EXPECT_THAT(Said(), ElementsAre("GOODBYE 0"));
}

}  // namespace
}  // namespace cairn::edge

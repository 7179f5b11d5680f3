// A lane's stream that breaks, hangs or is replaced: what goes on as if nothing had happened, and
// when the lane is given up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/link/cost.h"
#include "tests/support/fake_edge_sink.h"
#include "tests/support/router_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::LaneEvent;
using signaling::v1::Welcome;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr absl::Duration kInstant = absl::Microseconds(1);

class RouterLinks : public RouterTest {
 protected:
  // The statuses that the lane's stream was closed with.
  static std::vector<absl::StatusCode> Closes(const std::shared_ptr<FakeLaneStream>& stream) {
    std::vector<absl::StatusCode> codes;
    for (const absl::Status& status : stream->closes) codes.push_back(status.code());
    return codes;
  }
  uint64_t GivenUpDeliveries(LaneEnd reason) const {
    return router_->counters().deliveries_given_up[static_cast<size_t>(reason)];
  }
};

// ---- links that go on

TEST_F(RouterLinks, WhatWasUnderWayAndWhatCameMeanwhileIsSentOnTheNextStream) {
  const LanePtr origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  EXPECT_THAT(Delivered(target), ElementsAre(1));
  Answer(target);
  EXPECT_THAT(Settled(origin), ElementsAre(1));
  Say(origin, Batch().Relayed(10, "t", 2));
  Break(target);  // before it has taken the second
  Say(origin, Batch().Relayed(10, "t", 3));
  EXPECT_THAT(Settled(origin), IsEmpty()) << "nothing new";
  EXPECT_EQ(Connect(target), Welcome::OUTCOME_RESUMED);
  EXPECT_THAT(Delivered(target), ElementsAre(2, 3));
  Say(origin, Batch().Relayed(10, "t", 4));
  EXPECT_THAT(Delivered(target), ElementsAre(4));
  Answer(target);
  EXPECT_THAT(Settled(origin), ElementsAre(2, 3, 4));
}

TEST_F(RouterLinks, WhatTheLaneHadSaidAndTheCoreHadNotReadIsSaidOnTheNextStreamOnce) {
  const LanePtr origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  Break(origin);
  Say(origin, Batch().Relayed(10, "t", 2));
  EXPECT_EQ(Connect(origin), Welcome::OUTCOME_RESUMED);
  EXPECT_EQ(origin->welcome.received(), 2u) << "the snapshot and the first relay";
  EXPECT_THAT(Delivered(target), ElementsAre(1, 2));
  EXPECT_EQ(router_->counters().events_ignored, 0u);
}

TEST_F(RouterLinks, ABreakIsNothingThatAnybodyIsToldOf) {
  const LanePtr watcher = Open(1), target = Open(2);
  Say(watcher, Batch().Opened(10, true).Subscribed(10, "t"));
  Say(target, Batch().Opened(20).Subscribed(20, "t").Opened(21).Subscribed(21, "t"));
  Notices(watcher);
  Break(target);
  Connect(target);
  EXPECT_THAT(Notices(watcher), IsEmpty());
  EXPECT_NE(router_->directory().Peer(20), nullptr);
}

TEST_F(RouterLinks, WhatChangedMeanwhileIsToldAfterIt) {
  const LanePtr watcher = Open(1), target = Open(2);
  Say(watcher, Batch().Opened(10, true).Subscribed(10, "t").Subscribed(10, "u"));
  Say(target,
      Batch().Opened(20).Subscribed(20, "t").Subscribed(20, "u").Opened(21).Subscribed(21, "t"));
  Notices(watcher);
  Break(target);
  Say(target, Batch().Opened(22).Subscribed(22, "t").Unsubscribed(20, "u").Closed(21));
  EXPECT_THAT(Notices(watcher), IsEmpty());
  Connect(target);
  EXPECT_THAT(Notices(watcher), ElementsAre("JOINED 22 t 0", "LEFT 20 u 0", "LEFT 21 t 0"));
  EXPECT_EQ(router_->directory().Closed(21)->close_reason, "client_gone");
}

TEST_F(RouterLinks, WhatTheLanesPeersAreToldWaitsForThem) {
  const LanePtr other = Open(1), target = Open(2);
  Say(target, Batch().Opened(20, true).Subscribed(20, "t"));
  Break(target);
  Say(other, Batch().Opened(10).Subscribed(10, "t"));
  Call([](Router& router) { router.Disconnect(*router.directory().Peer(20), 4001, "order"); });
  Connect(target);
  const auto messages = target->TakeMessages();
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].notices_size(), 1);
  EXPECT_EQ(messages[0].commands_size(), 1) << "also what an operator ordered";
}

TEST_F(RouterLinks, AQueryThatWaitsAcrossABreakIsAnsweredOnce) {
  const LanePtr other = Open(1), target = Open(2);
  Batch asked = Batch().Opened(20);
  asked.Add(LaneEvent::KIND_QUERIED, 20).set_topic("t");
  Say(target, asked);
  Break(target);
  Connect(target);
  Batch published;
  LaneEvent& event = published.Opened(10).Add(LaneEvent::KIND_PUBLISHED, 10);
  event.set_topic("t");
  event.set_seq(1);
  event.mutable_record()->set_connection(10);
  event.mutable_record()->set_blob("blob");
  event.mutable_record()->set_ttl_us(1'000'000);
  Say(other, published);
  int answers = 0;
  for (const auto& message : target->TakeMessages()) answers += message.answers_size();
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(router_->held_queries(), 0u);
}

TEST_F(RouterLinks, AStreamThatIsReplacedBeforeItsEndIsNoticedIsClosedAndNothingIsLost) {
  const LanePtr origin = Open(1), lane = Open(2);
  Say(lane, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  const auto old_stream = lane->stream;
  lane->link->Detach();
  EXPECT_EQ(Connect(lane), Welcome::OUTCOME_RESUMED);
  EXPECT_THAT(Closes(old_stream), ElementsAre(absl::StatusCode::kAborted));
  EXPECT_THAT(Delivered(lane), ElementsAre(1));
  // Its end, noticed at last, and what it had still to say, count no more.
  Enter(LaneBatch{old_stream, Batch().Closed(20).message()});
  EXPECT_EQ(router_->counters().events_ignored, 1u);
  Enter(LaneClosed{old_stream});
  Enter(LaneWritable{old_stream});
  EXPECT_NE(router_->directory().Peer(20), nullptr);
  EXPECT_TRUE(router_->directory().FindLane(2)->attached());
}

TEST_F(RouterLinks, WhileAWriteIsInFlightEverythingForTheLaneIsGatheredIntoTheNext) {
  const LanePtr origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  target->TakeMessages();
  target->stream->one_at_a_time = true;
  for (uint64_t seq = 1; seq <= 5; ++seq) Say(origin, Batch().Relayed(10, "t", seq));
  EXPECT_THAT(target->stream->written, SizeIs(1));
  target->stream->busy = false;
  Enter(LaneWritable{target->stream});
  ASSERT_THAT(target->stream->written, SizeIs(2));
  EXPECT_EQ(target->stream->written[1].deliveries_size(), 4);
}

TEST_F(RouterLinks, AMessageThatTheCoreHasHandledIsAcknowledgedByTheNextTick) {
  const LanePtr lane = Open(1);
  TickNow();
  lane->Receive();
  lane->accepted.clear();
  Say(lane, Batch().Relayed(10, "t", 1));
  TickNow();
  lane->Receive();
  EXPECT_THAT(lane->accepted, ElementsAre(1));
}

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

// ---- lanes that return

TEST_F(RouterLinks, ALaneThatReturnsAfterItWasGivenUpIsToldSo) {
  const LanePtr lane = Open(1);
  Say(lane, Batch().Opened(10));
  Say(lane, Batch().Relayed(10, "t", 1));
  const uint64_t number = lane->link_number;
  Close(lane);
  Say(lane, Batch().Relayed(10, "t", 2));
  EXPECT_EQ(Connect(lane), Welcome::OUTCOME_GIVEN_UP);
  EXPECT_NE(lane->link_number, number);
  ASSERT_THAT(lane->unaccepted, SizeIs(1)) << "the core has handled the others";
  EXPECT_EQ(lane->unaccepted[0].events(0).seq(), 2u);
}

TEST_F(RouterLinks, ALaneThatTheCoreHasForgottenIsToldSoToo) {
  limits_.max_tombstones = 1;
  Restart(kCoreId);
  FinishStart();
  const LanePtr lane = Open(1), other = Open(2);
  Say(lane, Batch().Opened(10));
  Close(lane);
  Close(other);  // takes the place of the first
  EXPECT_EQ(Connect(lane), Welcome::OUTCOME_GIVEN_UP);
  EXPECT_EQ(Connect(other), Welcome::OUTCOME_GIVEN_UP);
}

TEST_F(RouterLinks, ALaneThatDidNotHearThatItWasGivenUpIsToldAgain) {
  const LanePtr lane = Open(1);
  Say(lane, Batch().Opened(10).Relayed(10, "t", 5));
  Close(lane);
  // Its Welcome is lost with the stream.
  const auto lost = std::make_shared<FakeLaneStream>();
  Enter(LaneOpened{lost, lane->Hello()});
  ASSERT_EQ(lost->written.at(0).welcome().outcome(), Welcome::OUTCOME_GIVEN_UP);
  EXPECT_EQ(Connect(lane), Welcome::OUTCOME_GIVEN_UP);
  EXPECT_EQ(Ended(LaneEnd::kReplaced), 0u) << "it has never heard of that link";
  EXPECT_EQ(lane_count(), 1u);
}

TEST_F(RouterLinks, ALaneWhoseFirstWelcomeWasLostBeginsAgain) {
  auto lane = std::make_shared<FakeLane>(1, "edge");
  Enter(LaneOpened{std::make_shared<FakeLaneStream>(), lane->Hello()});
  EXPECT_EQ(Connect(lane), Welcome::OUTCOME_NEW);
  EXPECT_EQ(lane_count(), 1u);
  EXPECT_EQ(Ended(LaneEnd::kReplaced), 0u);
}

TEST_F(RouterLinks, ALaneThatHasBegunAnotherLinkIsReplaced) {
  const LanePtr lane = Open(1), watcher = Open(2);
  Say(lane, Batch().Opened(10, true).Subscribed(10, "t").Opened(11, true).Subscribed(11, "t"));
  lane->TakeMessages();
  const auto old_stream = lane->stream;
  lane->core_id = 55;  // it was at another core meanwhile
  lane->link->Detach();
  EXPECT_EQ(Connect(lane), Welcome::OUTCOME_NEW);
  EXPECT_THAT(Closes(old_stream), ElementsAre(absl::StatusCode::kAborted));
  EXPECT_EQ(Ended(LaneEnd::kReplaced), 1u);
  EXPECT_TRUE(router_->directory().peer_ids().empty());
  // Each of its peers was told that the other left, but nobody was there any more to hear it.
  EXPECT_THAT(old_stream->written, IsEmpty());
  EXPECT_THAT(Notices(lane), IsEmpty());
  EXPECT_EQ(lane_count(), 2u);
}

TEST_F(RouterLinks, ALaneThatReturnsToARestartedCoreAfterTheHoldIsLateIfAnythingWasRouted) {
  const LanePtr first = Open(1), later = Open(2);
  Restart(88);
  FinishStart();
  EXPECT_EQ(Connect(first), Welcome::OUTCOME_NEW) << "it has missed nothing";
  EXPECT_TRUE(router_->hold().holding()) << "as if the core had started now";
  Say(first, Batch().SnapshotEnd().Relayed(10, "t", 1));
  Elapse(absl::FromChrono(link::kReturnPatience));
  EXPECT_EQ(router_->counters().relays, 1u);
  EXPECT_EQ(Connect(later), Welcome::OUTCOME_LATE);
  EXPECT_EQ(router_->counters().lanes_late, 1u);
  EXPECT_EQ(later->core_id, 88u);
  const LanePtr fresh = OpenInSnapshot(4);
  EXPECT_EQ(fresh->welcome.outcome(), Welcome::OUTCOME_NEW) << "it never knew another";
}

TEST_F(RouterLinks, ALanesPlaceIsTakenByNobodyWithoutItsSecret) {
  const LanePtr lane = Open(1);
  Say(lane, Batch().Opened(10).Subscribed(10, "t"));
  for (const std::string& secret :
       {std::string("secret of 2"), std::string(), lane->secret + "x"}) {
    FakeLane thief(1, "edge");
    thief.secret = secret;
    thief.core_id = lane->core_id;
    thief.link_number = lane->link_number;
    const auto stream = std::make_shared<FakeLaneStream>();
    Enter(LaneOpened{stream, thief.Hello()});
    EXPECT_THAT(Closes(stream), ElementsAre(absl::StatusCode::kPermissionDenied)) << secret;
    EXPECT_THAT(stream->written, IsEmpty());
    Enter(LaneBatch{stream, Batch().Closed(10).message()});
    Enter(LaneClosed{stream});
  }
  EXPECT_EQ(router_->counters().lanes_refused, 3u);
  EXPECT_NE(router_->directory().Peer(10), nullptr);
  EXPECT_THAT(Closes(lane->stream), IsEmpty());
  // Nor after it was given up, when its tombstone says how far it was heard.
  Close(lane);
  FakeLane thief(1, "edge");
  thief.secret = "another";
  const auto stream = std::make_shared<FakeLaneStream>();
  Enter(LaneOpened{stream, thief.Hello()});
  EXPECT_THAT(Closes(stream), ElementsAre(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(lane_count(), 0u);
  EXPECT_EQ(Connect(lane), Welcome::OUTCOME_GIVEN_UP);
}

TEST_F(RouterLinks, ALaneOfTheRoutersProcessIsReplacedByNobody) {
  const auto sink = std::make_shared<FakeEdgeSink>();
  FakeLane identity(1, "edge");
  identity.secret = "";
  Enter(DirectOpened{sink, identity.Hello()});
  const auto stream = std::make_shared<FakeLaneStream>();
  Enter(LaneOpened{stream, identity.Hello()});
  EXPECT_THAT(Closes(stream), ElementsAre(absl::StatusCode::kPermissionDenied));
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

// ---- rosters

std::vector<uint64_t> LanesIn(const std::vector<signaling::v1::CoreToLane>& messages) {
  std::vector<uint64_t> lanes;
  for (const auto& message : messages) {
    if (message.has_roster())
      lanes.assign(message.roster().lanes().begin(), message.roster().lanes().end());
  }
  return lanes;
}

TEST_F(RouterLinks, EveryLaneIsToldOfAllLanesWhenItComesAndByTheNextTickWhenThatChanges) {
  const LanePtr one = OpenInSnapshot(1);
  EXPECT_THAT(LanesIn(one->TakeMessages()), ElementsAre(1));
  const LanePtr two = OpenInSnapshot(2);
  EXPECT_THAT(LanesIn(two->TakeMessages()), UnorderedElementsAre(1, 2));
  EXPECT_THAT(LanesIn(one->TakeMessages()), IsEmpty());
  TickNow();
  const auto told = one->TakeMessages();
  EXPECT_THAT(LanesIn(told), UnorderedElementsAre(1, 2));
  EXPECT_TRUE(told.back().roster().complete());
  TickNow();
  EXPECT_THAT(LanesIn(one->TakeMessages()), IsEmpty()) << "nothing has changed";
  Say(one, Batch().Goodbye());
  Break(one);
  two->TakeMessages();
  TickNow();
  EXPECT_THAT(LanesIn(two->TakeMessages()), ElementsAre(2));
}

TEST_F(RouterLinks, ARosterOfManyLanesIsToldToALaneThatIsAwayToo) {
  const LanePtr one = Open(1);
  Break(one);
  Open(2);
  TickNow();
  Connect(one);
  EXPECT_THAT(LanesIn(one->TakeMessages()), UnorderedElementsAre(1, 2));
}

}  // namespace
}  // namespace cairn::core

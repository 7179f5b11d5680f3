// Streams of a lane that break or are replaced: the link goes on, and nothing is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "core/commands.h"
#include "tests/support/router_links_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::LaneEvent;
using signaling::v1::Welcome;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// ---- links that go on

TEST_F(RouterLinks, DeliveriesInFlightAndLaterOnesAreSentOnTheNextStream) {
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

TEST_F(RouterLinks, UnreadMessagesOfTheLaneAreHandledOnceOnTheNextStream) {
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

TEST_F(RouterLinks, ABreakIsNotAnnounced) {
  const LanePtr watcher = Open(1), target = Open(2);
  Say(watcher, Batch().Opened(10, true).Subscribed(10, "t"));
  Say(target, Batch().Opened(20).Subscribed(20, "t").Opened(21).Subscribed(21, "t"));
  Notices(watcher);
  Break(target);
  Connect(target);
  EXPECT_THAT(Notices(watcher), IsEmpty());
  EXPECT_NE(router_->directory().Peer(20), nullptr);
}

TEST_F(RouterLinks, ChangesDuringABreakAreSentAfterIt) {
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

TEST_F(RouterLinks, NoticesForTheLanesPeersWait) {
  const LanePtr other = Open(1), target = Open(2);
  Say(target, Batch().Opened(20, true).Subscribed(20, "t"));
  Break(target);
  Say(other, Batch().Opened(10).Subscribed(10, "t"));
  Call([](Router& router) {
    Disconnect(router.output(), *router.directory().Peer(20), 4001, "order");
  });
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

// ---- rosters

std::vector<uint64_t> LanesIn(const std::vector<signaling::v1::CoreToLane>& messages) {
  std::vector<uint64_t> lanes;
  for (const auto& message : messages) {
    if (message.has_roster())
      lanes.assign(message.roster().lanes().begin(), message.roster().lanes().end());
  }
  return lanes;
}

TEST_F(RouterLinks, ALaneGetsTheRosterWhenItOpensAndChangesByTheNextTick) {
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

TEST_F(RouterLinks, ARosterOfManyLanesIsSentToAnAbsentLaneToo) {
  const LanePtr one = Open(1);
  Break(one);
  Open(2);
  TickNow();
  Connect(one);
  EXPECT_THAT(LanesIn(one->TakeMessages()), UnorderedElementsAre(1, 2));
}

}  // namespace
}  // namespace cairn::core

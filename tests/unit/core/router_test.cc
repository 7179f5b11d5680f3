#include "core/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/commands.h"
#include "proto/link/protocol_version.h"
#include "tests/support/router_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::Command;
using signaling::v1::CoreToLane;
using signaling::v1::Delivery;
using signaling::v1::LaneEvent;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(RouterTest, WelcomesALane) {
  const LanePtr lane = OpenInSnapshot(1);
  EXPECT_EQ(lane->welcome.protocol_version(), link::kProtocolVersion);
  EXPECT_EQ(lane->welcome.core_id(), kCoreId);
  EXPECT_EQ(lane->welcome.outcome(), Welcome::OUTCOME_NEW);
  EXPECT_NE(lane->welcome.link(), 0u);
  EXPECT_NE(OpenInSnapshot(2)->welcome.link(), lane->welcome.link());
}

TEST_F(RouterTest, ARelayReachesEveryInterestedLaneOnce) {
  const LanePtr origin = Open(1), two = Open(2), three = Open(3), four = Open(4);
  Say(two, Batch().Opened(20).Subscribed(20, "t").Opened(21).Subscribed(21, "t"));
  Say(three, Batch().Opened(30).Subscribed(30, "t"));
  Say(four, Batch().Opened(40).Subscribed(40, "u"));
  Batch relay;
  relay.Opened(10).Relayed(10, "t", 1);
  relay.last().set_read_us(555);
  Say(origin, relay);
  for (const LanePtr& lane : {two, three}) {
    const std::vector<Delivery> deliveries = lane->TakeDeliveries();
    ASSERT_EQ(deliveries.size(), 1u);
    EXPECT_EQ(deliveries[0].origin_lane(), 1u);
    EXPECT_EQ(deliveries[0].origin_seq(), 1u);
    EXPECT_EQ(deliveries[0].from(), 10u);
    EXPECT_EQ(deliveries[0].topic(), "t");
    EXPECT_EQ(deliveries[0].payload(), "payload 1");
    EXPECT_EQ(deliveries[0].read_us(), 555);
    EXPECT_EQ(deliveries[0].to(), 0u);
  }
  EXPECT_THAT(Delivered(origin), IsEmpty());
  EXPECT_THAT(Delivered(four), IsEmpty());
  EXPECT_EQ(router_->counters().relays, 1u);
  EXPECT_EQ(router_->counters().deliveries, 2u);
}

TEST_F(RouterTest, DeliveriesKeepTheirOrder) {
  const LanePtr one = Open(1), two = Open(2), target = Open(3);
  Say(target, Batch().Opened(30).Subscribed(30, "t").Subscribed(30, "u"));
  Say(one, Batch().Relayed(10, "t", 1).Relayed(10, "u", 2).Relayed(10, "t", 3));
  Say(two, Batch().Relayed(20, "t", 1));
  Say(one, Batch().Relayed(10, "t", 4));
  std::vector<std::string> order;
  for (const Delivery& delivery : target->TakeDeliveries()) {
    order.push_back(std::to_string(delivery.origin_lane()) + delivery.topic() +
                    std::to_string(delivery.origin_seq()));
  }
  EXPECT_THAT(order, ElementsAre("1t1", "1u2", "1t3", "2t1", "1t4"));
}

TEST_F(RouterTest, ALaneWhoseOnlySubscriberIsTheSenderIsLeftOut) {
  const LanePtr lane = Open(1);
  Say(lane, Batch().Opened(10).Subscribed(10, "t").Relayed(10, "t", 1));
  EXPECT_THAT(Delivered(lane), IsEmpty());
  EXPECT_EQ(router_->counters().relays_unheard, 1u);
  Say(lane, Batch().Opened(11).Subscribed(11, "t").Relayed(10, "t", 2));
  EXPECT_THAT(Delivered(lane), ElementsAre(2));
  // Now the other one is the only subscriber.
  Say(lane, Batch().Unsubscribed(10, "t").Relayed(10, "t", 3));
  EXPECT_THAT(Delivered(lane), ElementsAre(3));
  EXPECT_EQ(router_->counters().relays_unheard, 1u);
}

TEST_F(RouterTest, TheSendersOwnSubscriptionSaysNothingOfOtherLanes) {
  const LanePtr origin = Open(1), other = Open(2);
  Say(origin, Batch().Opened(10).Subscribed(10, "t"));
  Say(other, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  EXPECT_THAT(Delivered(origin), IsEmpty());
  EXPECT_THAT(Delivered(other), ElementsAre(1));
}

TEST_F(RouterTest, InterestOfALaneEndsWithItsLastSubscriber) {
  const LanePtr origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t").Opened(21).Subscribed(21, "t"));
  Say(target, Batch().Unsubscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  EXPECT_THAT(Delivered(target), ElementsAre(1));
  Say(target, Batch().Closed(21));
  Say(origin, Batch().Relayed(10, "t", 2));
  EXPECT_THAT(Delivered(target), IsEmpty());
  EXPECT_TRUE(router_->directory().topics().empty());
}

TEST_F(RouterTest, ASecondSubscribeChangesNothing) {
  const LanePtr origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t").Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  EXPECT_THAT(Delivered(target), ElementsAre(1));
  Say(target, Batch().Unsubscribed(20, "t"));
  EXPECT_EQ(router_->counters().events_ignored, 0u);
  EXPECT_TRUE(router_->directory().topics().empty());
  EXPECT_EQ(router_->directory().subscription_count(), 0u);
}

TEST_F(RouterTest, OneInputMakesOneMessageForEachLaneThatItConcerns) {
  const LanePtr origin = Open(1), target = Open(2), other = Open(3);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  for (const LanePtr& lane : {origin, target, other}) lane->TakeMessages();
  Say(origin, Batch().Relayed(10, "t", 1).Relayed(10, "nobody's", 2).Relayed(10, "t", 3));
  EXPECT_EQ(target->TakeMessages().size(), 1u);
  EXPECT_THAT(other->TakeMessages(), IsEmpty());
  EXPECT_EQ(router_->counters().relays_unheard, 1u);
}

TEST_F(RouterTest, ARelayOfAPeerThatHasLeftIsStillRouted) {
  const LanePtr origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Opened(10).Relayed(10, "t", 1).Closed(10).Relayed(10, "t", 2));
  EXPECT_THAT(Delivered(target), ElementsAre(1, 2));
}

TEST_F(RouterTest, PeersOfAClosedLaneLeave) {
  const LanePtr one = Open(1, "edge-1"), two = Open(2);
  Say(one, Batch().Opened(10).Subscribed(10, "t").Opened(11).Subscribed(11, "t"));
  Say(two, Batch().Opened(20).Subscribed(20, "u"));
  Close(one);
  EXPECT_EQ(router_->directory().lanes().size(), 1u);
  EXPECT_EQ(router_->directory().peer_ids().size(), 1u);
  EXPECT_EQ(router_->directory().topics().size(), 1u);
  Say(two, Batch().Relayed(20, "t", 1));
  ASSERT_NE(router_->directory().Closed(10), nullptr);
  EXPECT_EQ(router_->directory().Closed(10)->close_reason, "edge_lost");
  EXPECT_EQ(router_->directory().Closed(10)->edge, "edge-1");
}

TEST_F(RouterTest, APeerThatIsKnownOnAnotherLaneIsRefused) {
  const LanePtr one = Open(1), two = Open(2);
  Say(one, Batch().Opened(10).Subscribed(10, "t"));
  Say(two, Batch().Opened(10).Subscribed(10, "u").Unsubscribed(10, "t").Closed(10));
  EXPECT_EQ(router_->counters().events_ignored, 4u);
  EXPECT_EQ(router_->directory().Peer(10)->lane->id, 1u);
  Say(two, Batch().Relayed(99, "t", 1).Relayed(99, "u", 2));
  EXPECT_THAT(Delivered(one), ElementsAre(1));
  EXPECT_THAT(Delivered(two), IsEmpty());
  // Once it has left, its id is free.
  Say(one, Batch().Closed(10));
  Say(two, Batch().Opened(10));
  EXPECT_EQ(router_->directory().Peer(10)->lane->id, 2u);
}

TEST_F(RouterTest, TheSenderIsFoundAmongManySubscribersOfItsLane) {
  const LanePtr lane = Open(1);
  Say(lane, Batch().Opened(10).Subscribed(10, "t").Opened(11).Subscribed(11, "t"));
  Batch relay;
  relay.Relayed(10, "t", 1);
  relay.last().set_wants_receipt(true);
  Say(lane, relay);
  EXPECT_THAT(Notices(lane), ElementsAre("RECEIPT 10  1"));
  // One that is not subscribed, and one that is on no lane, take nothing off.
  Batch others;
  others.Opened(12).Relayed(12, "t", 2);
  others.last().set_wants_receipt(true);
  others.Relayed(99, "t", 3);
  others.last().set_wants_receipt(true);
  Say(lane, others);
  EXPECT_THAT(Notices(lane), ElementsAre("RECEIPT 12  2", "RECEIPT 99  2"));
}

// The answer for the last sender is remembered.
TEST_F(RouterTest, EveryChangeOfTheSendersSubscriptionCountsAtOnce) {
  const LanePtr lane = Open(1);
  Say(lane, Batch().Opened(10).Subscribed(10, "t").Opened(11).Subscribed(11, "t"));
  Say(lane, Batch().Opened(12).Subscribed(12, "t"));
  uint64_t seq = 0;
  const auto reached_after = [&](Batch change) {
    change.Relayed(10, "t", ++seq);
    change.last().set_wants_receipt(true);
    Say(lane, change);
    return Notices(lane);
  };
  EXPECT_THAT(reached_after(Batch()), ElementsAre("RECEIPT 10  2"));
  EXPECT_THAT(reached_after(Batch().Unsubscribed(10, "t")), ElementsAre("RECEIPT 10  2"));
  EXPECT_THAT(reached_after(Batch().Opened(13).Subscribed(13, "t")), ElementsAre("RECEIPT 10  3"));
  EXPECT_THAT(reached_after(Batch().Subscribed(10, "t")), ElementsAre("RECEIPT 10  3"));
  EXPECT_THAT(reached_after(Batch().Closed(13)), ElementsAre("RECEIPT 10  2"));
  EXPECT_THAT(reached_after(Batch().Closed(10)), ElementsAre("RECEIPT 10  2"));
  EXPECT_THAT(reached_after(Batch().Opened(10).Subscribed(10, "t")), ElementsAre("RECEIPT 10  2"));
}

TEST_F(RouterTest, ARelayWhoseNumberIsNotHigherThanTheLastIsIgnored) {
  const LanePtr origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 5).Relayed(10, "t", 5).Relayed(10, "t", 4));
  EXPECT_THAT(Delivered(target), ElementsAre(5));
  EXPECT_EQ(router_->counters().events_ignored, 2u);
}

TEST_F(RouterTest, InvalidEventsAreCountedAndIgnored) {
  const LanePtr one = Open(1), two = Open(2);
  Say(one, Batch().Opened(10).Subscribed(10, "t"));
  Say(two, Batch().Opened(20));
  uint64_t ignored = 0;
  const auto expect_ignored = [&](const LanePtr& lane, const Batch& batch, const char* what) {
    Say(lane, batch);
    EXPECT_EQ(router_->counters().events_ignored, ++ignored) << what;
  };
  expect_ignored(one, Batch().Subscribed(99, "t"), "subscribe of an unknown peer");
  expect_ignored(one, Batch().Unsubscribed(99, "t"), "unsubscribe of an unknown peer");
  expect_ignored(one, Batch().Closed(99), "end of an unknown peer");
  expect_ignored(one, Batch().Opened(10), "a peer that is open");
  expect_ignored(one, Batch().Unsubscribed(10, "u"), "unsubscribe without a subscription");
  expect_ignored(one, Batch().Subscribed(20, "t"), "a peer of another lane");
  expect_ignored(one, Batch().Closed(20), "the end of a peer of another lane");
  Batch unknown;
  unknown.Add(LaneEvent::KIND_UNSPECIFIED, 10);
  expect_ignored(one, unknown, "a kind of a newer edge");
  const auto stranger = std::make_shared<FakeLaneStream>();
  Enter(LaneBatch{stranger, Batch().Opened(30).message()});
  EXPECT_EQ(router_->counters().events_ignored, ++ignored) << "a lane that never said Hello";
  EXPECT_EQ(router_->directory().peer_ids().size(), 2u);
  EXPECT_EQ(router_->directory().subscription_count(), 1u);
  EXPECT_THAT(stranger->written, IsEmpty());
}

TEST_F(RouterTest, AClosedPeerIsRememberedWithTheReasonOfItsEdge) {
  const LanePtr lane = Open(1, "edge-1");
  clock_.Advance(absl::Seconds(5));
  Batch batch;
  batch.Opened(10).Subscribed(10, "t").Closed(10, 1013, "slow_reader");
  batch.last().mutable_stats()->set_messages_in(42);
  Say(lane, batch);
  ExpectNothingLeft();
  const ClosedPeer* closed = router_->directory().Closed(10);
  ASSERT_NE(closed, nullptr);
  EXPECT_EQ(closed->edge, "edge-1");
  EXPECT_EQ(closed->close_code, 1013u);
  EXPECT_EQ(closed->close_reason, "slow_reader");
  EXPECT_EQ(closed->stats.messages_in(), 42u);
  EXPECT_EQ(closed->closed_us, clock_.WallTimeUs());
  Say(lane, Batch().Opened(10));
  EXPECT_EQ(router_->directory().Closed(10), nullptr) << "it has come back";
}

TEST_F(RouterTest, OrdersOfAnOperatorReachTheLaneAfterTheCall) {
  const LanePtr lane = Open(1);
  Say(lane, Batch().Opened(10));
  lane->TakeMessages();
  Call([&](Router& router) {
    Disconnect(router.output(), *router.directory().Peer(10), 4001, "maintenance");
    LaneRecord* record = router.directory().FindLane(1);
    Drain(router.output(), *record);
    SetLogDirectives(router.output(), *record, "debug");
    EXPECT_THAT(lane->stream->written, IsEmpty());
  });
  const std::vector<CoreToLane> messages = lane->TakeMessages();
  ASSERT_EQ(messages.size(), 1u);
  const CoreToLane& message = messages[0];
  ASSERT_EQ(message.commands_size(), 3);
  EXPECT_EQ(message.commands(0).kind(), Command::KIND_DISCONNECT);
  EXPECT_EQ(message.commands(0).peer(), 10u);
  EXPECT_EQ(message.commands(0).close_code(), 4001u);
  EXPECT_EQ(message.commands(0).close_reason(), "maintenance");
  EXPECT_EQ(message.commands(1).kind(), Command::KIND_DRAIN);
  EXPECT_EQ(message.commands(2).kind(), Command::KIND_LOG_LEVEL);
  EXPECT_EQ(message.commands(2).log_directives(), "debug");
}

}  // namespace
}  // namespace cairn::core

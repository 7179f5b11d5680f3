#include "core/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

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
  const Sink lane = OpenInSnapshot(1);
  ASSERT_EQ(lane->messages.size(), 1u);
  EXPECT_EQ(lane->messages[0].welcome().protocol_version(), Router::kProtocolVersion);
  EXPECT_EQ(lane->messages[0].welcome().core_id(), kCoreId);
}

TEST_F(RouterTest, ARelayReachesEveryInterestedLaneOnce) {
  const Sink origin = Open(1), two = Open(2), three = Open(3), four = Open(4);
  Say(two, Batch().Opened(20).Subscribed(20, "t").Opened(21).Subscribed(21, "t"));
  Say(three, Batch().Opened(30).Subscribed(30, "t"));
  Say(four, Batch().Opened(40).Subscribed(40, "u"));
  Batch relay;
  relay.Opened(10).Relayed(10, "t", 1);
  relay.last().set_read_us(555);
  Say(origin, relay);
  for (const Sink& lane : {two, three}) {
    const std::vector<Delivery> deliveries = lane->TakeDeliveries();
    ASSERT_EQ(deliveries.size(), 1u);
    EXPECT_EQ(deliveries[0].origin_lane(), 1u);
    EXPECT_EQ(deliveries[0].origin_seq(), 1u);
    EXPECT_EQ(deliveries[0].from(), 10u);
    EXPECT_EQ(deliveries[0].topic(), "t");
    EXPECT_EQ(deliveries[0].payload(), "payload 1");
    EXPECT_EQ(deliveries[0].read_us(), 555);
    EXPECT_EQ(deliveries[0].seq(), 1u);
    EXPECT_EQ(deliveries[0].to(), 0u);
  }
  EXPECT_THAT(Delivered(origin), IsEmpty());
  EXPECT_THAT(Delivered(four), IsEmpty());
  EXPECT_EQ(router_.counters().relays, 1u);
  EXPECT_EQ(router_.counters().deliveries, 2u);
}

TEST_F(RouterTest, DeliveriesAreNumberedPerLaneAndKeepTheirOrder) {
  const Sink one = Open(1), two = Open(2), target = Open(3);
  Say(target, Batch().Opened(30).Subscribed(30, "t").Subscribed(30, "u"));
  Say(one, Batch().Relayed(10, "t", 1).Relayed(10, "u", 2).Relayed(10, "t", 3));
  Say(two, Batch().Relayed(20, "t", 1));
  Say(one, Batch().Relayed(10, "t", 4));
  std::vector<std::string> order;
  uint64_t next = 1;
  for (const Delivery& delivery : target->TakeDeliveries()) {
    EXPECT_EQ(delivery.seq(), next++);
    order.push_back(std::to_string(delivery.origin_lane()) + delivery.topic() +
                    std::to_string(delivery.origin_seq()));
  }
  EXPECT_THAT(order, ElementsAre("1t1", "1u2", "1t3", "2t1", "1t4"));
}

TEST_F(RouterTest, ALaneWhoseOnlySubscriberIsTheSenderIsLeftOut) {
  const Sink lane = Open(1);
  Say(lane, Batch().Opened(10).Subscribed(10, "t").Relayed(10, "t", 1, true));
  EXPECT_THAT(Delivered(lane), IsEmpty());
  EXPECT_EQ(router_.counters().relays_unheard, 1u);
  Say(lane, Batch().Opened(11).Subscribed(11, "t").Relayed(10, "t", 2, true));
  EXPECT_THAT(Delivered(lane), ElementsAre(2));
  // Now the other one is the only subscriber.
  Say(lane, Batch().Unsubscribed(10, "t").Relayed(10, "t", 3, false));
  EXPECT_THAT(Delivered(lane), ElementsAre(3));
  EXPECT_EQ(router_.counters().relays_unheard, 1u);
}

TEST_F(RouterTest, TheSendersOwnSubscriptionSaysNothingOfOtherLanes) {
  const Sink origin = Open(1), other = Open(2);
  Say(origin, Batch().Opened(10).Subscribed(10, "t"));
  Say(other, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1, true));
  EXPECT_THAT(Delivered(origin), IsEmpty());
  EXPECT_THAT(Delivered(other), ElementsAre(1));
}

TEST_F(RouterTest, InterestOfALaneEndsWithItsLastSubscriber) {
  const Sink origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t").Opened(21).Subscribed(21, "t"));
  Say(target, Batch().Unsubscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  EXPECT_THAT(Delivered(target), ElementsAre(1));
  Say(target, Batch().Closed(21));
  Say(origin, Batch().Relayed(10, "t", 2));
  EXPECT_THAT(Delivered(target), IsEmpty());
  EXPECT_TRUE(router_.directory().topics().empty());
}

TEST_F(RouterTest, ASecondSubscribeChangesNothing) {
  const Sink origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t").Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  EXPECT_THAT(Delivered(target), ElementsAre(1));
  Say(target, Batch().Unsubscribed(20, "t"));
  EXPECT_EQ(router_.counters().events_ignored, 0u);
  EXPECT_TRUE(router_.directory().topics().empty());
  EXPECT_EQ(router_.directory().subscription_count(), 0u);
}

TEST_F(RouterTest, OneInputMakesOneMessageForEachLaneThatItConcerns) {
  const Sink origin = Open(1), target = Open(2), other = Open(3);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  for (const Sink& lane : {origin, target, other}) lane->messages.clear();
  Say(origin, Batch().Relayed(10, "t", 1).Relayed(10, "nobody's", 2).Relayed(10, "t", 3));
  EXPECT_EQ(target->messages.size(), 1u);
  EXPECT_THAT(other->messages, IsEmpty());
  EXPECT_EQ(router_.counters().relays_unheard, 1u);
}

TEST_F(RouterTest, ARelayOfAPeerThatHasLeftIsStillRouted) {
  const Sink origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Opened(10).Relayed(10, "t", 1).Closed(10).Relayed(10, "t", 2));
  EXPECT_THAT(Delivered(target), ElementsAre(1, 2));
}

TEST_F(RouterTest, AClosedLaneTakesItsPeersWithIt) {
  const Sink one = Open(1, "edge-1"), two = Open(2);
  Say(one, Batch().Opened(10).Subscribed(10, "t").Opened(11).Subscribed(11, "t"));
  Say(two, Batch().Opened(20).Subscribed(20, "u"));
  Close(one);
  EXPECT_EQ(router_.directory().lanes().size(), 1u);
  EXPECT_EQ(router_.directory().peer_ids().size(), 1u);
  EXPECT_EQ(router_.directory().topics().size(), 1u);
  Say(two, Batch().Relayed(20, "t", 1));
  EXPECT_THAT(Delivered(one), IsEmpty());
  ASSERT_NE(router_.directory().Closed(10), nullptr);
  EXPECT_EQ(router_.directory().Closed(10)->close_reason, "edge_lost");
  EXPECT_EQ(router_.directory().Closed(10)->edge, "edge-1");
  Close(one);
  EXPECT_EQ(router_.directory().lanes().size(), 1u);
}

TEST_F(RouterTest, ANewerStreamOfALaneTakesThePlaceOfTheOld) {
  const Sink old_stream = Open(1);
  Say(old_stream, Batch().Opened(10).Subscribed(10, "t"));
  const Sink new_stream = Open(1);
  ASSERT_EQ(old_stream->closes.size(), 1u);
  EXPECT_EQ(old_stream->closes[0].code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(router_.directory().peer_ids().empty());
  Say(new_stream, Batch().Opened(10).Subscribed(10, "t"));
  // The end of the old stream comes late, and what it said before later still.
  Say(old_stream, Batch().Opened(11).Subscribed(11, "u"));
  Close(old_stream);
  EXPECT_EQ(router_.counters().events_ignored, 2u);
  EXPECT_EQ(router_.directory().peer_ids().size(), 1u);
  EXPECT_EQ(router_.directory().lanes().size(), 1u);
  const Sink other = Open(2);
  Say(other, Batch().Relayed(20, "t", 1));
  EXPECT_THAT(Delivered(new_stream), ElementsAre(1));
  EXPECT_THAT(Delivered(old_stream), IsEmpty());
}

TEST_F(RouterTest, APeerThatOpensOnAnotherLaneHasMoved) {
  const Sink one = Open(1), two = Open(2);
  Say(one, Batch().Opened(10).Subscribed(10, "t"));
  Say(two, Batch().Opened(10).Subscribed(10, "u"));
  Say(one, Batch().Subscribed(10, "v").Closed(10));
  EXPECT_EQ(router_.counters().events_ignored, 2u);
  Say(one, Batch().Relayed(99, "t", 1).Relayed(99, "u", 2).Relayed(99, "v", 3));
  EXPECT_THAT(Delivered(one), IsEmpty());
  EXPECT_THAT(Delivered(two), ElementsAre(2));
}

TEST_F(RouterTest, WhatIsSaidOutOfTurnIsCountedAndIgnored) {
  const Sink one = Open(1), two = Open(2);
  Say(one, Batch().Opened(10).Subscribed(10, "t"));
  Say(two, Batch().Opened(20));
  uint64_t ignored = 0;
  const auto expect_ignored = [&](const Sink& lane, const Batch& batch, const char* what) {
    Say(lane, batch);
    EXPECT_EQ(router_.counters().events_ignored, ++ignored) << what;
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
  const Sink stranger = std::make_shared<FakeEdgeSink>();
  expect_ignored(stranger, Batch().Opened(30), "a lane that never said Hello");
  EXPECT_EQ(router_.directory().peer_ids().size(), 2u);
  EXPECT_EQ(router_.directory().subscription_count(), 1u);
  EXPECT_THAT(stranger->messages, IsEmpty());
}

TEST_F(RouterTest, AClosedPeerIsRememberedWithWhatItsEdgeSaid) {
  const Sink lane = Open(1, "edge-1");
  clock_.Advance(absl::Seconds(5));
  Batch batch;
  batch.Opened(10).Subscribed(10, "t").Closed(10, 1013, "slow_reader");
  batch.last().mutable_stats()->set_messages_in(42);
  Say(lane, batch);
  ExpectNothingLeft();
  const ClosedPeer* closed = router_.directory().Closed(10);
  ASSERT_NE(closed, nullptr);
  EXPECT_EQ(closed->edge, "edge-1");
  EXPECT_EQ(closed->close_code, 1013u);
  EXPECT_EQ(closed->close_reason, "slow_reader");
  EXPECT_EQ(closed->stats.messages_in(), 42u);
  EXPECT_EQ(closed->closed_us, clock_.WallTimeUs());
  Say(lane, Batch().Opened(10));
  EXPECT_EQ(router_.directory().Closed(10), nullptr) << "it has come back";
}

TEST_F(RouterTest, OrdersOfAnOperatorReachTheLaneWhenTheCallIsOver) {
  const Sink lane = Open(1);
  Say(lane, Batch().Opened(10));
  lane->messages.clear();
  Call([&](Router& router) {
    router.Disconnect(*router.directory().Peer(10), 4001, "maintenance");
    LaneRecord* record = router.directory().FindLaneById(1);
    router.Drain(*record);
    router.SetLogDirectives(*record, "debug");
    EXPECT_THAT(lane->messages, IsEmpty());
  });
  ASSERT_EQ(lane->messages.size(), 1u);
  const CoreToLane& message = lane->messages[0];
  ASSERT_EQ(message.commands_size(), 3);
  EXPECT_EQ(message.commands(0).kind(), Command::KIND_DISCONNECT);
  EXPECT_EQ(message.commands(0).peer(), 10u);
  EXPECT_EQ(message.commands(0).close_code(), 4001u);
  EXPECT_EQ(message.commands(0).close_reason(), "maintenance");
  EXPECT_EQ(message.commands(1).kind(), Command::KIND_DRAIN);
  EXPECT_EQ(message.commands(2).kind(), Command::KIND_LOG_LEVEL);
  EXPECT_EQ(message.commands(2).log_directives(), "debug");
}

TEST_F(RouterTest, ALaneThatIsReplacedWithSomethingGatheredGetsNoMessageMore) {
  const Sink old_stream = Open(1);
  Say(old_stream, Batch().Opened(10, true).Subscribed(10, "t"));
  Say(old_stream, Batch().Opened(11, true).Subscribed(11, "t"));
  old_stream->messages.clear();
  // Each of its peers is told that the other left, but nobody is there any more to hear it.
  OpenInSnapshot(1);
  EXPECT_THAT(old_stream->messages, IsEmpty());
}

}  // namespace
}  // namespace cairn::core

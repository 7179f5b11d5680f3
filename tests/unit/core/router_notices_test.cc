// What the router tells peers besides relays: presence, receipts, and answers to queries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/router_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::LaneEvent;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using RouterPresence = RouterTest;

TEST_F(RouterPresence, ASubscriberThatAsksLearnsHowManyOthersThereAre) {
  const LanePtr one = Open(1), two = Open(2);
  Say(one, Batch().Opened(10).Subscribed(10, "t").Opened(11).Subscribed(11, "t"));
  EXPECT_THAT(Notices(one), IsEmpty());
  Say(two, Batch().Opened(20).Subscribed(20, "t", true));
  EXPECT_THAT(Notices(two), ElementsAre("SUBSCRIBED 20 t 2"));
  Say(two, Batch().Subscribed(20, "t", true));
  EXPECT_THAT(Notices(two), ElementsAre("SUBSCRIBED 20 t 2")) << "asked again";
  EXPECT_THAT(Notices(one), IsEmpty());
}

TEST_F(RouterPresence, PresenceIsSentToLanesWithOtherWatchers) {
  const LanePtr watcher = Open(1), native = Open(2), other = Open(3);
  Say(watcher, Batch().Opened(10, true).Subscribed(10, "t"));
  Say(native, Batch().Opened(20).Subscribed(20, "t"));
  EXPECT_THAT(Notices(watcher), ElementsAre("JOINED 20 t 0"));
  Say(other, Batch().Opened(30, true).Subscribed(30, "t"));
  EXPECT_THAT(Notices(watcher), ElementsAre("JOINED 30 t 0"));
  EXPECT_THAT(Notices(other), IsEmpty()) << "nobody there but itself";
  Say(other, Batch().Unsubscribed(30, "t"));
  Say(native, Batch().Closed(20));
  EXPECT_THAT(Notices(watcher), ElementsAre("LEFT 30 t 0", "LEFT 20 t 0"));
  EXPECT_THAT(Notices(native), IsEmpty());
}

TEST_F(RouterPresence, PeersOfALostLaneLeave) {
  const LanePtr watcher = Open(1), lost = Open(2);
  Say(watcher, Batch().Opened(10, true).Subscribed(10, "t"));
  Say(lost, Batch().Opened(20).Subscribed(20, "t").Opened(21).Subscribed(21, "t"));
  Notices(watcher);
  Close(lost);
  EXPECT_THAT(Notices(watcher), UnorderedElementsAre("LEFT 20 t 0", "LEFT 21 t 0"));
}

TEST_F(RouterPresence, ARepeatedSubscriptionIsNotAnnounced) {
  const LanePtr watcher = Open(1), other = Open(2);
  Say(watcher, Batch().Opened(10, true).Subscribed(10, "t"));
  Say(other, Batch().Opened(20).Known(20, "t"));
  EXPECT_THAT(Notices(watcher), IsEmpty());
  Say(other, Batch().Opened(21).Subscribed(21, "t"));
  EXPECT_THAT(Notices(watcher), ElementsAre("JOINED 21 t 0"));
  Say(other, Batch().Subscribed(21, "t"));
  EXPECT_THAT(Notices(watcher), IsEmpty()) << "it is there already";
}

TEST_F(RouterPresence, PeersOfALaneThatReturnsAfterItWasGivenUpJoinAgain) {
  const LanePtr watcher = Open(1), lost = Open(2);
  Say(watcher, Batch().Opened(10, true).Subscribed(10, "t"));
  Say(lost, Batch().Opened(20).Subscribed(20, "t"));
  Close(lost);
  Notices(watcher);
  EXPECT_EQ(Connect(lost), Welcome::OUTCOME_GIVEN_UP);
  Say(lost, Batch().Opened(20).Subscribed(20, "t").SnapshotEnd());
  EXPECT_THAT(Notices(watcher), ElementsAre("JOINED 20 t 0"));
}

using RouterReceipts = RouterTest;

TEST_F(RouterReceipts, HaveTheNumberOfSubscribers) {
  const LanePtr origin = Open(1), other = Open(2);
  Say(origin, Batch().Opened(10).Subscribed(10, "t").Opened(11).Subscribed(11, "t"));
  Say(other, Batch().Opened(20).Subscribed(20, "t").Opened(21).Subscribed(21, "t"));
  origin->TakeMessages();
  uint64_t seq = 0;
  std::vector<signaling::v1::Notice> receipts;
  for (const char* topic : {"t", "nobody's"}) {
    Batch relay;
    relay.Relayed(10, topic, ++seq);
    relay.last().set_wants_receipt(true);
    relay.last().set_receipt_id(7);
    Say(origin, relay);
  }
  for (const auto& message : origin->TakeMessages())
    receipts.insert(receipts.end(), message.notices().begin(), message.notices().end());
  ASSERT_EQ(receipts.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(receipts[i].kind(), signaling::v1::Notice::KIND_RECEIPT);
    EXPECT_EQ(receipts[i].receipt_id(), 7u);
    EXPECT_EQ(receipts[i].peer(), 10u);
    EXPECT_EQ(receipts[i].seq(), i + 1) << "or the lane would ask the next core for another";
  }
  EXPECT_EQ(receipts[0].count(), 3u);
  EXPECT_EQ(receipts[1].count(), 0u);
}

TEST_F(RouterReceipts, ADirectRelayReachesOneSubscriberOrNone) {
  const LanePtr origin = Open(1), other = Open(2);
  Say(origin, Batch().Opened(10).Subscribed(10, "t"));
  Say(other, Batch().Opened(20).Subscribed(20, "t").Opened(21).Opened(22).Subscribed(22, "t"));
  // Subscribed, not subscribed, the sender itself, unknown.
  uint64_t seq = 0;
  for (const uint64_t to : {20u, 21u, 10u, 99u}) {
    Batch relay;
    relay.Relayed(10, "t", ++seq);
    relay.last().set_to(to);
    relay.last().set_wants_receipt(true);
    Say(origin, relay);
  }
  EXPECT_THAT(Notices(origin),
              ElementsAre("RECEIPT 10  1", "RECEIPT 10  0", "RECEIPT 10  0", "RECEIPT 10  0"));
  const auto deliveries = other->TakeDeliveries();
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].to(), 20u);
  EXPECT_EQ(deliveries[0].payload(), "payload 1");
}

class RouterRecords : public RouterTest {
 protected:
  static Batch Published(uint64_t peer, const std::string& topic, const std::string& blob,
                         uint64_t seq = 1) {
    Batch batch;
    LaneEvent& event = batch.Add(LaneEvent::KIND_PUBLISHED, peer);
    event.set_topic(topic);
    event.set_payload(blob);
    event.set_seq(seq);
    event.mutable_record()->set_connection(peer);
    event.mutable_record()->set_blob(blob);
    event.mutable_record()->set_ttl_us(60'000'000);
    return batch;
  }
  static Batch Queried(uint64_t peer, const std::string& topic) {
    Batch batch;
    batch.Add(LaneEvent::KIND_QUERIED, peer).set_topic(topic);
    return batch;
  }
  // "peer topic blob…" of the answers a lane was sent since the last call.
  static std::vector<std::string> Answers(const LanePtr& sink) {
    std::vector<std::string> words;
    for (const auto& message : sink->TakeMessages()) {
      for (const auto& answer : message.answers()) {
        words.push_back(std::to_string(answer.peer()) + " " + answer.topic());
        for (const auto& record : answer.records()) words.back() += " " + record.blob();
      }
    }
    return words;
  }
};

TEST_F(RouterRecords, AnswerAQueryAtOnceNewestFirst) {
  const LanePtr one = Open(1), two = Open(2);
  Say(one, Published(10, "t", "old"));
  Say(one, Published(11, "t", "new", 2));
  Say(two, Batch().Opened(20));
  Say(two, Queried(20, "t"));
  EXPECT_THAT(Answers(two), ElementsAre("20 t new old"));
  EXPECT_EQ(router_->held_queries(), 0u);
}

TEST_F(RouterRecords, TheFirstAnswersAQueryThatWaits) {
  const LanePtr one = Open(1), two = Open(2);
  Say(two, Batch().Opened(20));
  Say(two, Queried(20, "t"));
  EXPECT_THAT(Answers(two), IsEmpty());
  EXPECT_EQ(router_->held_queries(), 1u);
  Say(one, Published(10, "t", "first"));
  Say(one, Published(10, "t", "second", 2));
  EXPECT_THAT(Answers(two), ElementsAre("20 t first"));
  EXPECT_EQ(router_->held_queries(), 0u);
}

TEST_F(RouterRecords, AreNotReturnedToTheirPublisher) {
  const LanePtr lane = Open(1);
  Say(lane, Batch().Opened(10));
  Say(lane, Queried(10, "t"));
  Say(lane, Published(10, "t", "own"));
  EXPECT_THAT(Answers(lane), IsEmpty());
  EXPECT_EQ(router_->held_queries(), 1u) << "it still waits";
  Say(lane, Published(11, "t", "other", 2));
  EXPECT_THAT(Answers(lane), ElementsAre("10 t other"));
}

TEST_F(RouterRecords, AQueryThatEndedIsNotAnswered) {
  const LanePtr lane = Open(1);
  Say(lane, Batch().Opened(10).Opened(11).Opened(12));
  for (const uint64_t peer : {10u, 11u, 12u}) Say(lane, Queried(peer, "t"));
  Batch ended;
  ended.Add(LaneEvent::KIND_QUERY_ENDED, 10).set_topic("t");
  Say(lane, ended);
  Say(lane, Batch().Closed(11));
  EXPECT_EQ(router_->held_queries(), 1u);
  Say(lane, Published(20, "t", "blob"));
  EXPECT_THAT(Answers(lane), ElementsAre("12 t blob"));
}

TEST_F(RouterRecords, AlsoReachSubscribersAsARelayUnlessTheyAreRepeated) {
  const LanePtr origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Published(10, "t", "blob", 5));
  const auto deliveries = target->TakeDeliveries();
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].payload(), "blob");
  EXPECT_EQ(deliveries[0].origin_seq(), 5u);
  Answer(target);
  EXPECT_THAT(Settled(origin), ElementsAre(5));
  Say(origin, Published(10, "t", "blob", 0));
  EXPECT_THAT(Delivered(target), IsEmpty());
}

TEST_F(RouterRecords, ExpireAfterTheirTime) {
  const LanePtr lane = Open(1);
  Say(lane, Published(10, "t", "blob"));
  Say(lane, Batch().Opened(20));
  clock_.Advance(absl::Seconds(60));
  Say(lane, Queried(20, "t"));
  EXPECT_THAT(Answers(lane), IsEmpty());
  EXPECT_EQ(router_->records().size(), 0u);
}

}  // namespace
}  // namespace cairn::core

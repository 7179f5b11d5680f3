#include "edge/lane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/client_frames.h"
#include "tests/support/lane_fixture.h"

namespace cairn::edge {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneEvent;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(LaneTest, ReportsPeersThatConnectAndLeaveWithTheReason) {
  Lane::Member* member =
      lane_.Join(5, &clients_[5], {1'234'567, "192.0.2.1:5000", "agent/1", "TLSv1.3", {}});
  clients_[5].queued = 77;
  lane_.Leave(member, 1001, "draining");
  lane_.Flush();
  const std::vector<LaneEvent> events = link_.TakeEvents();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind(), LaneEvent::KIND_PEER_OPENED);
  EXPECT_EQ(events[0].peer(), 5u);
  EXPECT_EQ(events[0].info().connected_since_us(), 1'234'567);
  EXPECT_EQ(events[0].info().remote_address(), "192.0.2.1:5000");
  EXPECT_EQ(events[0].info().user_agent(), "agent/1");
  EXPECT_EQ(events[0].info().tls_version(), "TLSv1.3");
  EXPECT_EQ(events[1].kind(), LaneEvent::KIND_PEER_CLOSED);
  EXPECT_EQ(events[1].peer(), 5u);
  EXPECT_EQ(events[1].close_code(), 1001u);
  EXPECT_EQ(events[1].close_reason(), "draining");
  EXPECT_EQ(events[1].stats().queued_bytes(), 77u);
  EXPECT_EQ(lane_.member_count(), 0u);
}

TEST_F(LaneTest, HasTheIdentityItWasGiven) {
  const signaling::v1::Hello hello = LaneIdentity{9, "name", 2, "0.3.0", 55, "secret"}.ToHello();
  EXPECT_EQ(hello.protocol_version(), 2u);
  EXPECT_EQ(hello.secret(), "secret");
  EXPECT_EQ(hello.lane_id(), 9u);
  EXPECT_EQ(hello.edge(), "name");
  EXPECT_EQ(hello.lane_index(), 2u);
  EXPECT_EQ(hello.version(), "0.3.0");
  EXPECT_EQ(hello.tls_not_after_us(), 55);
}

TEST_F(LaneTest, ASecondSubscribeChangesNothingAndOneUnsubscribeEndsBoth) {
  Lane::Member* member = Join(1);
  EXPECT_EQ(lane_.Subscribe(member, "t"), Lane::SubscribeResult::kSubscribed);
  EXPECT_EQ(lane_.Subscribe(member, "t"), Lane::SubscribeResult::kAlready);
  EXPECT_THAT(Reached("t"), ElementsAre(1));
  lane_.Unsubscribe(member, "t");
  EXPECT_THAT(Reached("t"), IsEmpty());
  EXPECT_THAT(Said(), ElementsAre("PEER_OPENED 1", "SUBSCRIBED 1 t", "UNSUBSCRIBED 1 t"));
}

TEST_F(LaneTest, UnsubscribingWithoutASubscriptionSendsNothing) {
  Lane::Member* one = Join(1);
  JoinAndSubscribe(2, "t");
  Said();
  lane_.Unsubscribe(one, "t");
  lane_.Unsubscribe(one, "unknown");
  EXPECT_THAT(Said(), IsEmpty());
  EXPECT_THAT(Reached("t"), ElementsAre(2));
}

TEST_F(LaneTest, TopicsMatchByteByByteAndTheEmptyTopicIsOne) {
  JoinAndSubscribe(1, "");
  JoinAndSubscribe(2, "T");
  JoinAndSubscribe(3, std::string("t\0x", 3));
  EXPECT_THAT(Reached(""), ElementsAre(1));
  EXPECT_THAT(Reached("t"), IsEmpty());
  EXPECT_THAT(Reached(std::string("t\0x", 3)), ElementsAre(3));
}

TEST_F(LaneTest, ATopicGoesAwayWithItsLastSubscriber) {
  Lane::Member* one = JoinAndSubscribe(1, "t");
  Lane::Member* two = JoinAndSubscribe(2, "t");
  lane_.Subscribe(two, "u");
  EXPECT_EQ(lane_.topic_count(), 2u);
  lane_.Unsubscribe(one, "t");
  EXPECT_EQ(lane_.topic_count(), 2u);
  lane_.Leave(two, 0, "client_gone");
  EXPECT_EQ(lane_.topic_count(), 0u);
  EXPECT_EQ(lane_.member_count(), 1u);
}

TEST_F(LaneTest, LeavingEndsSubscriptionsWithoutAnEventForEach) {
  Lane::Member* one = JoinAndSubscribe(1, "t");
  lane_.Subscribe(one, "u");
  JoinAndSubscribe(2, "t");
  Said();
  lane_.Leave(one, 0, "client_gone");
  EXPECT_THAT(Said(), ElementsAre("PEER_CLOSED 1"));
  EXPECT_THAT(Reached("t"), ElementsAre(2));
  EXPECT_EQ(lane_.topic_count(), 1u);
}

TEST_F(LaneTest, AMemberHasAtMostMaxTopics) {
  limits_.max_topics = 2;
  Lane::Member* member = Join(1);
  lane_.Subscribe(member, "a");
  lane_.Subscribe(member, "b");
  Said();
  EXPECT_EQ(lane_.Subscribe(member, "c"), Lane::SubscribeResult::kTooMany);
  EXPECT_EQ(lane_.Subscribe(member, "b"), Lane::SubscribeResult::kAlready);
  EXPECT_EQ(lane_.topic_count(), 2u);
  EXPECT_THAT(Said(), IsEmpty());
  lane_.Unsubscribe(member, "a");
  EXPECT_EQ(lane_.Subscribe(member, "c"), Lane::SubscribeResult::kSubscribed);
}

// The last subscriber takes the place of the one that leaves: whatever the order, nobody is lost or
// left behind.
TEST_F(LaneTest, OtherMembersOfATopicStayWhenOneLeaves) {
  std::vector<uint64_t> order = {1, 2, 3, 4};
  do {
    std::map<uint64_t, Lane::Member*> members;
    std::set<uint64_t> left;
    for (uint64_t peer = 1; peer <= 4; ++peer) {
      members[peer] = JoinAndSubscribe(peer, "t");
      left.insert(peer);
    }
    for (const uint64_t peer : order) {
      if (peer % 2 == 0) {
        lane_.Unsubscribe(members[peer], "t");
      } else {
        lane_.Leave(members[peer], 0, "client_gone");
      }
      left.erase(peer);
      ASSERT_EQ(Reached("t"), left) << testing::PrintToString(order);
    }
    ASSERT_EQ(lane_.topic_count(), 0u);
    lane_.Leave(members[2], 0, "client_gone");
    lane_.Leave(members[4], 0, "client_gone");
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(LaneTest, RelaysAreNumberedOverAllMembersAndSessions) {
  lane_.SetReadTime(777);
  Lane::Member* one = Join(1);
  Lane::Member* two = Join(2);
  Said();
  Relay(one, "t", std::string("\0\xff", 2));
  Relay(two, "t", "b");
  lane_.Flush();
  Relay(one, "u", "");
  lane_.Flush();
  const std::vector<LaneEvent> events = link_.TakeEvents();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(Word(events[0]), "RELAYED 1 t");
  EXPECT_EQ(events[0].payload(), std::string("\0\xff", 2));
  EXPECT_EQ(events[0].read_us(), 777);
  EXPECT_EQ(Word(events[1]), "RELAYED 2 t");
  EXPECT_EQ(Word(events[2]), "RELAYED 1 u");
  link_.BeginKind(CoreSession::Kind::kNewCore);
  Said();
  Relay(one, "t", "after a restart");
  lane_.Flush();
  EXPECT_EQ(link_.TakeEvents().at(0).seq(), 4u);
  for (size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].seq(), i + 1);
}

TEST_F(LaneTest, FlushSubmitsTheGatheredEventsOnceIfThereAreAny) {
  lane_.Flush();
  EXPECT_THAT(link_.submitted, IsEmpty());
  Lane::Member* member = JoinAndSubscribe(1, "t");
  Relay(member, "t", "p");
  lane_.Flush();
  lane_.Flush();
  EXPECT_EQ(link_.submitted.size(), 1u);
  EXPECT_THAT(Said(), ElementsAre("PEER_OPENED 1", "SUBSCRIBED 1 t", "RELAYED 1 t"));
}

TEST_F(LaneTest, ALargeBatchIsSubmittedWithinATurnAndFlushedAtItsEnd) {
  Lane::Member* member = JoinAndSubscribe(1, "t");
  lane_.Flush();
  link_.submitted.clear();
  link_.flushes = 0;
  link_.large = 3;
  for (const size_t submitted : {0u, 0u, 1u, 1u}) {
    Relay(member, "t", "p");
    lane_.FlushLarge();
    EXPECT_EQ(link_.submitted.size(), submitted);
  }
  EXPECT_EQ(link_.flushes, 0u);
  lane_.Flush();
  EXPECT_EQ(link_.submitted.size(), 2u);
  EXPECT_EQ(link_.flushes, 1u);
}

TEST_F(LaneTest, FansOutToEverySubscriberButTheSender) {
  for (const uint64_t peer : {1u, 2u, 3u}) JoinAndSubscribe(peer, "t");
  JoinAndSubscribe(4, "u");
  Deliver(1, 2, "t", "payload", kLane);
  const std::string frame = DeliveredFrame("t", "payload");
  EXPECT_THAT(clients_[1].frames, ElementsAre(frame));
  EXPECT_THAT(clients_[2].frames, IsEmpty());
  EXPECT_THAT(clients_[3].frames, ElementsAre(frame));
  EXPECT_THAT(clients_[4].frames, IsEmpty());
  EXPECT_EQ(counters_.frames_delivered.Get(), 2u);
  const TrafficCounters& out = counters_.out[static_cast<size_t>(MessageForm::kCbor)];
  EXPECT_EQ(out.messages.Get(), 2u);
  EXPECT_EQ(out.bytes.Get(), 2 * frame.size());
}

TEST_F(LaneTest, ADeliveryForARemovedTopicReachesNoClient) {
  Lane::Member* member = JoinAndSubscribe(1, "t");
  lane_.Unsubscribe(member, "t");
  Deliver(1, 9, "t");
  EXPECT_THAT(clients_[1].frames, IsEmpty());
  EXPECT_EQ(counters_.frames_delivered.Get(), 0u);
}

TEST_F(LaneTest, DeliveriesOfOneMessageArriveInTheirOrder) {
  JoinAndSubscribe(1, "t");
  CoreToLane message;
  AddDelivery(message, kOtherLane, 1, 8, "t", "a");
  AddDelivery(message, 44, 1, 9, "t", "b");
  AddDelivery(message, kOtherLane, 2, 8, "t", "c");
  lane_.OnCoreMessage(message);
  EXPECT_THAT(clients_[1].frames, ElementsAre(DeliveredFrame("t", "a"), DeliveredFrame("t", "b"),
                                              DeliveredFrame("t", "c")));
}

TEST_F(LaneTest, ARepeatedRelayIsDroppedAndCounted) {
  JoinAndSubscribe(1, "t");
  Deliver(5, 9, "t", "first");
  Deliver(5, 9, "t", "again");
  Deliver(4, 9, "t", "earlier");
  EXPECT_THAT(clients_[1].frames, ElementsAre(DeliveredFrame("t", "first")));
  EXPECT_EQ(Dropped(DropReason::kDuplicate), 2u);
  Deliver(1, 9, "t", "of another lane", 44);
  Deliver(7, 9, "t", "after a gap");
  EXPECT_EQ(clients_[1].frames.size(), 3u);
  EXPECT_EQ(Dropped(DropReason::kDuplicate), 2u);
}

// Compared with sets after every step.
TEST_F(LaneTest, RandomSubscriptionsKeepTheBooks) {
  std::mt19937 random(1);
  std::map<uint64_t, Lane::Member*> members;
  std::map<std::string, std::set<uint64_t>> model;
  for (int step = 0; step < 5000; ++step) {
    const uint64_t peer = 1 + random() % 12;
    const std::string topic = "t" + std::to_string(random() % 6);
    Lane::Member*& member = members[peer];
    if (!member) {
      member = Join(peer);
    } else if (random() % 8 == 0) {
      lane_.Leave(member, 0, "client_gone");
      member = nullptr;
      for (auto& [name, subscribers] : model) subscribers.erase(peer);
    } else if (random() % 2 == 0) {
      lane_.Subscribe(member, topic);
      model[topic].insert(peer);
    } else {
      lane_.Unsubscribe(member, topic);
      model[topic].erase(peer);
    }
    ASSERT_EQ(Reached(topic), model[topic]) << "step " << step;
    size_t topics = 0;
    for (const auto& [name, subscribers] : model) topics += subscribers.empty() ? 0 : 1;
    ASSERT_EQ(lane_.topic_count(), topics) << "step " << step;
    Said();
  }
}

TEST(LaneDeathTest, PeersAndLanesHaveIdsThatAreNotZero) {
  FakeClock clock;
  EdgeLimits limits;
  EdgeCounters counters;
  FakeClient client;
  EXPECT_DEATH(Lane({0, "edge", 0}, limits, counters, clock), "broken invariant");
  Lane lane({1, "edge", 0}, limits, counters, clock);
  EXPECT_DEATH(lane.Join(0, &client, {}), "broken invariant");
  lane.Join(7, &client, {});
  EXPECT_DEATH(lane.Join(7, &client, {}), "broken invariant");
}

}  // namespace
}  // namespace cairn::edge

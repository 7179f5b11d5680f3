// How much a lane hands to its clients in one turn, in which order, and that nobody is left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/lane_fixture.h"

namespace cairn::edge {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::Notice;
using testing::SizeIs;

class LaneFanOut : public LaneTest {
 protected:
  // More than a turn hands on, of one relay.
  static constexpr uint64_t kMany = kFreshPerTurn + kWaitingPerTurn / 2;

  void SubscribeMany(uint64_t first, uint64_t count, const std::string& topic) {
    for (uint64_t peer = first; peer < first + count; ++peer) JoinAndSubscribe(peer, topic);
    Said();
  }
  uint64_t Delivered() const { return counters_.frames_delivered.Get(); }
  // Turns until nothing waits; how many.
  int Finish() {
    int turns = 0;
    for (; lane_.has_waiting() && turns < 1000; ++turns) NextTurn();
    return turns;
  }
  void NextTurn() {
    lane_.EndTurn();
    lane_.DeliverWaiting();
  }
};

TEST_F(LaneFanOut, TheDeliveriesOfATurnAreBounded) {
  SubscribeMany(1, kMany, "t");
  Deliver(1, 999'999, "t");
  EXPECT_EQ(Delivered(), kFreshPerTurn);
  EXPECT_TRUE(lane_.has_waiting());
  NextTurn();
  EXPECT_EQ(Delivered(), kMany);
  EXPECT_FALSE(lane_.has_waiting());
  for (const auto& [peer, client] : clients_) EXPECT_THAT(client.frames, SizeIs(1)) << peer;
}

TEST_F(LaneFanOut, LargeRelaysCountForMore) {
  SubscribeMany(1, 2000, "t");
  Deliver(1, 999'999, "t", std::string(60'000, 'x'));
  EXPECT_LE(Delivered(), kFreshPerTurn / 15 + 1);
  EXPECT_GT(Finish(), 0);
  EXPECT_EQ(Delivered(), 2000u);
}

TEST_F(LaneFanOut, AnotherSendersRelayIsNotHeldUp) {
  SubscribeMany(1, kMany, "t");
  SubscribeMany(100'000, 1, "quiet");
  for (uint64_t seq = 1; seq <= 20; ++seq) Deliver(seq, 999'999, "t");
  lane_.EndTurn();
  Deliver(21, 888'888, "quiet");
  EXPECT_THAT(clients_[100'000].frames, SizeIs(1)) << "at once";
  lane_.EndTurn();
  lane_.DeliverWaiting();
  Deliver(22, 888'888, "t");
  Finish();
  EXPECT_EQ(Delivered(), 21 * kMany + 1);
}

TEST_F(LaneFanOut, SendersThatWaitTakeTurns) {
  SubscribeMany(1, kFreshPerTurn, "t");
  SubscribeMany(100'000, 1, "u");
  for (uint64_t seq = 1; seq <= 30; ++seq) Deliver(seq, 999'999, "t");
  Deliver(31, 888'888, "u");  // in the same turn, which has done enough
  EXPECT_THAT(clients_[100'000].frames, SizeIs(0));
  int turns = 0;
  for (; clients_[100'000].frames.empty() && turns < 100; ++turns) NextTurn();
  EXPECT_LE(turns, 5);
  EXPECT_LT(clients_[1].frames.size(), 10u);
}

TEST_F(LaneFanOut, KeepsTheOrderOfEachSender) {
  SubscribeMany(1, kMany, "t");
  SubscribeMany(100'000, 2, "few");
  std::vector<std::string> expected;
  for (uint64_t seq = 1; seq <= 300; ++seq) {
    // To large and small topics, and to one: what is small must not overtake.
    const std::string payload = std::to_string(1000 + seq);
    CoreToLane message;
    AddDelivery(message, kOtherLane, seq, 999'999, seq % 30 == 0 ? "t" : "few", payload);
    if (seq % 3 == 1 && seq % 30 != 0) message.mutable_deliveries(0)->set_to(100'000);
    lane_.OnCoreMessage(message);
    if (seq % 30 != 0) expected.push_back(payload);
    if (seq % 50 == 0) NextTurn();
  }
  Finish();
  std::vector<std::string> actual;
  for (const std::string& frame : clients_[100'000].frames)
    actual.push_back(frame.substr(frame.size() - 4));
  EXPECT_EQ(actual, expected);
  for (uint64_t peer = 1; peer <= kMany; peer += 997) {
    ASSERT_THAT(clients_[peer].frames, SizeIs(10));
    for (size_t i = 0; i < 10; ++i) {
      const std::string& frame = clients_[peer].frames[i];
      ASSERT_EQ(frame.substr(frame.size() - 4), std::to_string(1000 + 30 * (i + 1)));
    }
  }
}

TEST_F(LaneFanOut, AMemberThatStaysGetsARelayOnceWhileOthersJoinAndLeave) {
  std::mt19937 random(5);
  std::vector<std::pair<uint64_t, Lane::Member*>> members;
  std::set<uint64_t> stayed;
  for (uint64_t peer = 1; peer <= kMany; ++peer) {
    members.emplace_back(peer, JoinAndSubscribe(peer, "t"));
    stayed.insert(peer);
  }
  uint64_t next_peer = kMany + 1;
  for (uint64_t seq = 1; seq <= 10; ++seq) {
    Deliver(seq, 999'999, "t");
    for (int i = 0; i < 300; ++i) {
      auto& [peer, member] = members[random() % members.size()];
      if (i % 2 == 0) {
        lane_.Unsubscribe(member, "t");
      } else {
        lane_.Leave(member, 0, "client_gone");
      }
      stayed.erase(peer);
      peer = next_peer++;
      member = JoinAndSubscribe(peer, "t");
    }
    NextTurn();
  }
  Finish();
  for (const uint64_t peer : stayed) ASSERT_THAT(clients_[peer].frames, SizeIs(10)) << peer;
  for (const auto& [peer, client] : clients_) ASSERT_LE(client.frames.size(), 10u) << "two copies";
}

TEST_F(LaneFanOut, RelaysOfATopicEndWhenItsLastMemberLeaves) {
  std::vector<Lane::Member*> members;
  for (uint64_t peer = 1; peer <= kMany; ++peer) members.push_back(JoinAndSubscribe(peer, "t"));
  Deliver(1, 999'999, "t");
  Deliver(2, 999'999, "t");
  for (Lane::Member* member : members) lane_.Leave(member, 0, "client_gone");
  Finish();
  EXPECT_FALSE(lane_.has_waiting());
  EXPECT_EQ(lane_.topic_count(), 0u);
  EXPECT_EQ(Delivered(), kFreshPerTurn);
}

TEST_F(LaneFanOut, RelaysOfASenderThatFollowEachOtherAreHandedOnTogether) {
  SubscribeMany(1, 2, "t");
  SubscribeMany(3, 1, "u");
  CoreToLane message;
  const auto add = [&](uint64_t seq, uint64_t from, const std::string& topic) {
    AddDelivery(message, kOtherLane, seq, from, topic, std::to_string(1000 + seq));
  };
  // Of two senders, to two topics; one of them twice.
  for (uint64_t seq = 1; seq <= 5; ++seq) add(seq, 999'999, "t");
  add(5, 999'999, "t");
  for (uint64_t seq = 6; seq <= 8; ++seq) add(seq, 888'888, "t");
  for (uint64_t seq = 9; seq <= 10; ++seq) add(seq, 888'888, "u");
  add(11, 888'888, "nobody's");
  message.mutable_deliveries(2)->set_to(2);
  lane_.OnCoreMessage(message);
  const auto numbers = [this](uint64_t peer) {
    std::string all;
    for (const std::string& frame : clients_[peer].frames)
      all += " " + frame.substr(frame.size() - 4);
    return all;
  };
  EXPECT_EQ(numbers(1), " 1001 1002 1004 1005 1006 1007 1008");
  EXPECT_EQ(numbers(2), " 1001 1002 1003 1004 1005 1006 1007 1008");
  EXPECT_EQ(numbers(3), " 1009 1010");
  // The two before the one for a single peer, that one, the two after it; the others.
  EXPECT_EQ(clients_[1].calls, 3);
  EXPECT_EQ(clients_[2].calls, 4);
  EXPECT_EQ(clients_[3].calls, 1);
  EXPECT_EQ(Delivered(), 7u + 8u + 2u);
  const TrafficCounters& out = counters_.out[static_cast<size_t>(MessageForm::kCbor)];
  EXPECT_EQ(out.messages.Get(), Delivered());
  size_t bytes = 0;
  for (const auto& [peer, client] : clients_) {
    for (const std::string& frame : client.frames) bytes += frame.size();
  }
  EXPECT_EQ(out.bytes.Get(), bytes);
}

TEST_F(LaneFanOut, TheLatencyOfEachRelayIsCounted) {
  SubscribeMany(1, 3, "t");
  clock_.Advance(absl::Seconds(100));
  CoreToLane message;
  const int64_t now_us = absl::ToUnixMicros(clock_.WallTime());
  const int64_t read_us[] = {now_us - 10, now_us - 10, 0, now_us - 3'000, now_us + 50};
  for (uint64_t seq = 1; seq <= 5; ++seq) {
    AddDelivery(message, kOtherLane, seq, 999'999, "t", "p");
    message.mutable_deliveries(static_cast<int>(seq) - 1)->set_read_us(read_us[seq - 1]);
  }
  lane_.OnCoreMessage(message);
  EXPECT_EQ(counters_.relay_latency.sum(), 3u * (10 + 10 + 3'000 + 0));
  EXPECT_EQ(counters_.relay_latency.Values().Count(), 3u * 4);
}

TEST_F(LaneFanOut, WaitingRelaysHaveABound) {
  SubscribeMany(1, kFreshPerTurn + 1, "t");
  SubscribeMany(100'000, 1, "few");
  // One that is behind another of its sender waits, however small its topic.
  Deliver(301, 999'999, "t");
  for (uint64_t seq = 302; seq <= 700; ++seq)
    Deliver(seq, 999'999, "few", std::string(60'000, 'x'));
  EXPECT_LE(lane_.waiting_cost(), WaitingRelays::kMaxCost);
  EXPECT_GT(lane_.waiting_cost(), WaitingRelays::kMaxCost / 2);
  EXPECT_GT(clients_[100'000].frames.size(), 100u);
}

TEST_F(LaneFanOut, TheChargeForASendersRelaysReachesItsConnection) {
  Join(1);
  CoreToLane message;
  Notice* notice = message.add_notices();
  notice->set_kind(Notice::KIND_FAN_OUT);
  notice->set_peer(1);
  notice->set_count(5000);
  *message.add_notices() = *notice;
  message.mutable_notices(1)->set_peer(2);
  lane_.OnCoreMessage(message);
  EXPECT_EQ(clients_[1].charged, 5000u);
}

}  // namespace
}  // namespace cairn::edge

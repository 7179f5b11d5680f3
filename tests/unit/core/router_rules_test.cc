// What a core refuses lanes behind links.
#include "proto/link/identity.h"
#include "tests/support/router_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::LaneEvent;

class RouterRulesTest : public RouterTest {
 protected:
  // A lane whose id is of its secret, as those of edges are.
  LanePtr OpenProven(const std::string& edge, char mark, uint64_t next_seq = 1) {
    const std::string secret(link::kSecretBytes, mark);
    auto lane = std::make_shared<FakeLane>(link::LaneIdOf(secret), edge);
    lane->secret = secret;
    lanes_.push_back(lane);
    Connect(lane);
    Batch end;
    end.Add(LaneEvent::KIND_SNAPSHOT_END, 0).set_next_seq(next_seq);
    Say(lane, end);
    lane->TakeMessages();
    return lane;
  }
  static uint64_t PeerOf(const LanePtr& lane, uint64_t proof) {
    return link::PeerIdOf(lane->secret, proof);
  }
  void OpenPeer(const LanePtr& lane, uint64_t peer, uint64_t proof) {
    Batch batch;
    batch.Opened(peer);
    batch.last().set_proof(proof);
    Say(lane, batch);
  }
  void Relay(const LanePtr& lane, uint64_t peer, uint64_t proof, uint64_t seq) {
    Batch batch;
    batch.Relayed(peer, "t", seq);
    batch.last().set_proof(proof);
    Say(lane, batch);
  }
  uint64_t Refused(LaneRefusal reason) const {
    return router_->counters().refusals[static_cast<size_t>(reason)];
  }
  bool IsUp(const LanePtr& lane) const {
    return std::any_of(router_->directory().lanes().begin(), router_->directory().lanes().end(),
                       [&](const auto& one) { return one.first == lane->id; });
  }
};

TEST_F(RouterRulesTest, APeerWhoseIdIsNotOfTheLanesSecretIsNotOpened) {
  const LanePtr a = OpenProven("a", 'a'), b = OpenProven("b", 'b');
  OpenPeer(b, PeerOf(a, 5), 5);
  OpenPeer(b, 12345, 5);
  EXPECT_EQ(Refused(LaneRefusal::kForeignPeer), 2u);
  OpenPeer(a, PeerOf(a, 5), 5);
  EXPECT_EQ(router_->directory().Peer(PeerOf(a, 5))->lane->id, a->id);
}

TEST_F(RouterRulesTest, ARelayIsFromAPeerOfTheLaneEvenIfThatHasLeft) {
  const LanePtr a = OpenProven("a", 'a'), b = OpenProven("b", 'b');
  OpenPeer(a, PeerOf(a, 1), 1);
  Relay(a, PeerOf(a, 1), 1, 1);
  Relay(a, PeerOf(a, 2), 2, 2);  // gone
  EXPECT_EQ(router_->counters().relays, 2u);
  Relay(b, PeerOf(a, 1), 1, 1);
  Relay(b, PeerOf(a, 2), 2, 2);
  Relay(b, 0, 0, 3);
  EXPECT_EQ(router_->counters().relays, 2u);
  EXPECT_EQ(Refused(LaneRefusal::kForeignPeer), 3u);
  EXPECT_TRUE(IsUp(b));
}

TEST_F(RouterRulesTest, ARecordIsOfThePeerThatPublishesIt) {
  const LanePtr a = OpenProven("a", 'a'), b = OpenProven("b", 'b');
  const auto publish = [&](const LanePtr& lane, uint64_t peer, uint64_t proof, uint64_t of,
                           uint64_t seq) {
    Batch batch;
    LaneEvent& event = batch.Add(LaneEvent::KIND_PUBLISHED, peer);
    event.set_topic("t");
    event.set_proof(proof);
    event.set_seq(seq);
    event.mutable_record()->set_connection(of);
    event.mutable_record()->set_blob(std::to_string(of));
    event.mutable_record()->set_ttl_us(1'000'000'000);
    event.mutable_record()->set_blob(std::to_string(peer));
    Say(lane, batch);
  };
  publish(a, PeerOf(a, 1), 1, PeerOf(a, 1), 1);
  publish(a, PeerOf(a, 2), 2, PeerOf(a, 2), 0);  // of a snapshot, by a connection that is gone
  EXPECT_EQ(router_->records().size(), 2u);
  publish(b, PeerOf(b, 1), 1, PeerOf(a, 1), 1);
  publish(b, PeerOf(a, 1), 1, PeerOf(a, 1), 2);
  publish(b, PeerOf(b, 1), 1, PeerOf(a, 1), 0);
  publish(b, PeerOf(b, 2), 1, PeerOf(b, 1), 3);
  EXPECT_EQ(Refused(LaneRefusal::kForeignPeer), 4u);
  EXPECT_EQ(router_->records().size(), 2u);
}

TEST_F(RouterRulesTest, NewRelaysFollowOnEachOtherAndThoseThatAreResentHaveGaps) {
  const LanePtr lane = OpenProven("a", 'a', 10);
  OpenPeer(lane, PeerOf(lane, 1), 1);
  for (const uint64_t seq : {3u, 7u, 9u, 10u, 11u}) Relay(lane, PeerOf(lane, 1), 1, seq);
  EXPECT_EQ(router_->counters().relays, 5u);
  EXPECT_TRUE(IsUp(lane));
  Relay(lane, PeerOf(lane, 1), 1, 13);
  EXPECT_FALSE(IsUp(lane));
  EXPECT_EQ(Ended(LaneEnd::kBroken), 1u);
  EXPECT_EQ(Refused(LaneRefusal::kRelayNumber), 1u);
}

TEST_F(RouterRulesTest, TheNumberOfARefusedRelayIsUsedUp) {
  const LanePtr lane = OpenProven("a", 'a');
  Relay(lane, 4711, 1, 1);
  OpenPeer(lane, PeerOf(lane, 1), 1);
  Relay(lane, PeerOf(lane, 1), 1, 2);
  EXPECT_EQ(router_->counters().relays, 1u);
  EXPECT_TRUE(IsUp(lane));
}

TEST_F(RouterRulesTest, LanesHaveABoundPerEdgeAndForTheCore) {
  limits_.max_lanes_per_edge = 2;
  limits_.max_lanes = 3;
  Restart(kCoreId);
  const auto opens = [&](uint64_t id, const std::string& edge) {
    const auto lane = std::make_shared<FakeLane>(id, edge);
    lanes_.push_back(lane);
    lane->stream = std::make_shared<FakeLaneStream>();
    Enter(LaneOpened{lane->stream, lane->Hello()});
    return lane->stream->closes.empty();
  };
  EXPECT_TRUE(opens(1, "a"));
  EXPECT_TRUE(opens(2, "a"));
  EXPECT_FALSE(opens(3, "a"));
  EXPECT_TRUE(opens(2, "a")) << "it is known";
  EXPECT_TRUE(opens(4, "b"));
  EXPECT_FALSE(opens(5, "b"));
  EXPECT_EQ(Refused(LaneRefusal::kTooManyLanes), 2u);
}

TEST_F(RouterRulesTest, TheStateOfAnEdgeIsBoundedForAllItsLanesTogether) {
  limits_.max_presence_bytes_per_edge = 10'000;
  Restart(kCoreId);
  const LanePtr one = Open(1, "a"), two = Open(2, "a"), other = Open(3, "b");
  for (uint64_t peer = 1; peer <= 20; ++peer) Say(peer % 2 ? one : two, Batch().Opened(peer));
  EXPECT_EQ(router_->directory().peer_ids().size(), 9u);
  EXPECT_EQ(Refused(LaneRefusal::kTooMuch), 11u);
  Say(one, Batch().Subscribed(1, std::string(1000, 't')));
  EXPECT_EQ(Refused(LaneRefusal::kTooMuch), 12u);
  Say(other, Batch().Opened(100));
  EXPECT_TRUE(router_->directory().Peer(100)) << "others are not affected";
  // What is gone is forgotten.
  for (uint64_t peer = 1; peer <= 9; ++peer) Say(peer % 2 ? one : two, Batch().Closed(peer));
  Say(one, Batch().Opened(50).Subscribed(50, "t").Unsubscribed(50, "t").Closed(50));
  for (uint64_t peer = 201; peer <= 209; ++peer) Say(two, Batch().Opened(peer));
  EXPECT_EQ(Refused(LaneRefusal::kTooMuch), 12u);
}

TEST_F(RouterRulesTest, WhenTheQueuesOfLanesAreTooLargeTheLaneWithTheLargestIsGivenUp) {
  limits_.max_queued_bytes_of_lanes = 64 << 10;
  Restart(kCoreId);
  const LanePtr from = Open(1, "a"), quick = Open(2, "b"), slow = Open(3, "c");
  Say(from, Batch().Opened(1).Opened(4));
  Say(quick, Batch().Opened(2).Subscribed(2, "quick"));
  Say(slow, Batch().Opened(3).Subscribed(3, "slow"));
  Pass(absl::Seconds(3));
  uint64_t seq = 0;
  for (int i = 0; i < 20; ++i) {
    Batch batch;
    batch.Relayed(1, i == 0 ? "quick" : "slow", ++seq);
    batch.last().set_payload(std::string(8 << 10, 'x'));
    Say(from, batch);
  }
  TickNow();
  EXPECT_EQ(Ended(LaneEnd::kFull), 1u);
  EXPECT_FALSE(IsUp(slow));
  EXPECT_TRUE(IsUp(quick));
}

}  // namespace
}  // namespace cairn::core

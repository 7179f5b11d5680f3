#include "server/direct_link.h"
#include "core/commands.h"
#include "core/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/peer_id.h"
#include "edge/lane.h"
#include "proto/wire/v2_writer.h"
#include "tests/support/client_frames.h"
#include "tests/support/fake_client.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_loop_executor.h"

namespace cairn::server {
namespace {

using edge::FakeClient;
using edge::Lane;
using testing::ElementsAre;
using testing::IsEmpty;

// One loop of a process: a lane, its link, and what runs on its thread.
class LinkedLane {
 public:
  LinkedLane(DirectLinkFactory& factory, uint64_t lane_id, const Clock& clock)
      : lane_({lane_id, "edge", 0}, limits_, counters_, clock) {
    link_ = factory.NewLink(lane_.identity(), lane_, executor_);
    lane_.Connect(link_.get());
    executor_.Run();
  }

  Lane::Member* Join(uint64_t peer, FakeClient& client,
                     wire::Dialect dialect = wire::Dialect::kNative) {
    Lane::PeerFacts facts;
    facts.dialect = dialect;
    return lane_.Join(peer, &client, std::move(facts));
  }
  void Subscribe(Lane::Member* member, const std::string& topic) {
    lane_.Subscribe(member, topic);
    lane_.Flush();
  }
  void Relay(const Lane::Member* member, const std::string& topic, const std::string& payload) {
    Add(member, topic, payload);
    lane_.Flush();
  }
  // Relays it at the end of the turn.
  void Add(const Lane::Member* member, const std::string& topic, const std::string& payload) {
    wire::Message message;
    message.kind = wire::MessageKind::kRelay;
    message.topic = topic;
    message.payload = payload;
    lane_.Relay(member, message, 0);
  }
  void Flush() { lane_.Flush(); }
  void FlushLarge() { lane_.FlushLarge(); }
  // A turn, which ends as each of a loop's does.
  void Run() {
    executor_.Run();
    lane_.Flush();
  }
  size_t wakes() const { return executor_.posted(); }
  // The loop has ended: what it was posted is not run any more.
  void EndLink() { link_.reset(); }
  edge::CoreLink& link() { return *link_; }

 private:
  edge::EdgeLimits limits_;
  edge::EdgeCounters counters_;
  Lane lane_;
  edge::FakeLoopExecutor executor_;
  std::unique_ptr<edge::CoreLink> link_;
};

class DirectLinkTest : public testing::Test {
 protected:
  FakeClock clock_;
  const core::CoreLimits core_limits_{};
  core::Core core_{77, core_limits_, clock_};
  DirectLinkFactory factory_{core_};
  LinkedLane one_{factory_, 1, clock_};
  LinkedLane two_{factory_, 2, clock_};
  FakeClient alice_, bob_, carol_;
};

TEST_F(DirectLinkTest, ARelayCrossesFromOneLaneToAnother) {
  Lane::Member* alice = one_.Join(10, alice_);
  Lane::Member* bob = two_.Join(20, bob_);
  one_.Subscribe(alice, "t");
  two_.Subscribe(bob, "t");
  one_.Relay(alice, "t", "to bob");
  EXPECT_THAT(bob_.frames, IsEmpty()) << "not on this thread";
  two_.Run();
  EXPECT_THAT(bob_.frames, ElementsAre(DeliveredFrame("t", "to bob")));
  two_.Relay(bob, "t", "to alice");
  one_.Run();
  EXPECT_THAT(alice_.frames, ElementsAre(DeliveredFrame("t", "to alice")));
  EXPECT_EQ(bob_.frames.size(), 1u) << "an echo";
}

TEST_F(DirectLinkTest, ANewSubscriberIsAnnouncedToTheOthers) {
  one_.Subscribe(one_.Join(10, alice_, wire::Dialect::kV2), "t");
  alice_.frames.clear();  // its own Subscribed
  two_.Subscribe(two_.Join(20, bob_), "t");
  one_.Run();
  std::string joined, frame;
  wire::AppendJoined("t", FormatId(20), joined);
  wire::AppendWsFrame(wire::WsOpcode::kBinary, joined, frame);
  EXPECT_THAT(alice_.frames, ElementsAre(frame));
}

TEST_F(DirectLinkTest, ARelayWithinALaneArrivesInTheSameTurn) {
  Lane::Member* alice = one_.Join(10, alice_);
  one_.Subscribe(one_.Join(11, carol_), "t");
  one_.Run();
  one_.Relay(alice, "t", "p");
  EXPECT_THAT(carol_.frames, ElementsAre(DeliveredFrame("t", "p")));
  EXPECT_EQ(one_.wakes(), 0u) << "it was going to look by itself";
}

TEST_F(DirectLinkTest, ALoopIsWokenOnceForAllThatGathersUntilItLooks) {
  Lane::Member* alice = one_.Join(10, alice_);
  two_.Subscribe(two_.Join(20, bob_), "t");
  two_.Run();
  ASSERT_EQ(two_.wakes(), 0u);
  for (const char* payload : {"a", "b", "c"}) one_.Relay(alice, "t", payload);
  EXPECT_EQ(two_.wakes(), 1u);
  two_.Run();
  EXPECT_THAT(bob_.frames, ElementsAre(DeliveredFrame("t", "a"), DeliveredFrame("t", "b"),
                                       DeliveredFrame("t", "c")));
  one_.Relay(alice, "t", "d");
  EXPECT_EQ(two_.wakes(), 1u) << "nobody would look";
  two_.Run();
  EXPECT_EQ(bob_.frames.size(), 4u);
}

TEST_F(DirectLinkTest, SubmittingAlsoDeliversTheWaitingMessages) {
  Lane::Member* alice = one_.Join(10, alice_);
  Lane::Member* bob = two_.Join(20, bob_);
  two_.Subscribe(bob, "t");
  two_.Run();
  one_.Relay(alice, "t", "p");
  two_.Subscribe(bob, "u");
  EXPECT_EQ(bob_.frames.size(), 1u);
  two_.Run();
  EXPECT_EQ(bob_.frames.size(), 1u) << "taken twice";
}

TEST_F(DirectLinkTest, ASubmittedBatchIsTakenAndReturnedEmpty) {
  signaling::v1::LaneToCore batch;
  batch.add_events()->set_peer(10);
  batch.mutable_stats()->set_messages_in(1);
  one_.link().Submit(batch);
  EXPECT_EQ(batch.events_size(), 0);
  EXPECT_FALSE(batch.has_stats());
  EXPECT_GT(one_.link().Room(), 0u);
  EXPECT_EQ(one_.link().cost(), 0u);
  EXPECT_TRUE(one_.link().connected());
  EXPECT_FALSE(one_.link().can_break());
}

// While the router handles an operator's call, the lane submits more batches.
TEST_F(DirectLinkTest, ALaneHandsInAFewBatchesUntilTheyAreHandledAndIsWokenForMore) {
  size_t submitted = 0;
  core::RouterInput call = core::AdminCall{[&](core::Router&) {
    for (; one_.link().Room() > 0; ++submitted) {
      ASSERT_LT(submitted, 100u);
      signaling::v1::LaneToCore batch;
      batch.add_events()->set_kind(signaling::v1::LaneEvent::KIND_SNAPSHOT_END);
      one_.link().Submit(batch);
    }
    EXPECT_EQ(one_.wakes(), 0u);
  }};
  core_.Enter(call);
  EXPECT_GT(submitted, 1u);
  EXPECT_LE(submitted, 8u);
  EXPECT_EQ(one_.wakes(), 1u) << "there is room again";
  EXPECT_GT(one_.link().Room(), 0u);
}

TEST_F(DirectLinkTest, ALargeBatchIsHandledWithinATurnUnlessTheRouterIsBusy) {
  Lane::Member* alice = one_.Join(10, alice_);
  Lane::Member* bob = one_.Join(11, bob_);
  one_.Subscribe(bob, "room");
  const int large = one_.link().large_batch();
  EXPECT_LT(large, 1000);
  for (int i = 1; i < large; ++i) one_.Add(alice, "room", "p");
  one_.FlushLarge();
  EXPECT_THAT(bob_.frames, IsEmpty());
  one_.Add(alice, "room", "p");
  one_.FlushLarge();
  EXPECT_EQ(bob_.frames.size(), static_cast<size_t>(large));

  core::RouterInput call = core::AdminCall{[&](core::Router&) {
    one_.Relay(alice, "room", "waits for the router");
    EXPECT_GT(one_.link().large_batch(), 1'000'000);
  }};
  core_.Enter(call);
  EXPECT_EQ(one_.link().large_batch(), large);
}

TEST_F(DirectLinkTest, LoopsThatAreFarBehindLeaveNoRoomUntilTheyHaveCaughtUp) {
  Lane::Member* alice = one_.Join(10, alice_);
  two_.Subscribe(two_.Join(20, bob_), "t");
  two_.Run();
  const std::string payload(60'000, 'x');
  size_t relays = 0;
  for (; one_.link().Room() > 0; ++relays) {
    ASSERT_LT(relays * payload.size(), 2 * QueuedTotal::kMaxCost);
    one_.Relay(alice, "t", payload);
  }
  EXPECT_GT(relays * payload.size(), QueuedTotal::kMaxCost / 2);
  one_.Relay(alice, "t", "waits in the lane");
  two_.Run();
  EXPECT_EQ(bob_.frames.size(), relays);
  EXPECT_GT(one_.link().Room(), 0u);
  one_.link().Tick();
  one_.Flush();
  two_.Run();
  EXPECT_EQ(bob_.frames.back(), DeliveredFrame("t", "waits in the lane"));
}

TEST_F(DirectLinkTest, ALoopThatEndsFarBehindLeavesItsShareToTheOthers) {
  Lane::Member* alice = one_.Join(10, alice_);
  two_.Subscribe(two_.Join(20, bob_), "t");
  two_.Run();
  while (one_.link().Room() > 0) one_.Relay(alice, "t", std::string(60'000, 'x'));
  two_.EndLink();
  EXPECT_GT(one_.link().Room(), 0u);
}

TEST_F(DirectLinkTest, PeersOfALinkThatEndsLeaveAndItIsNotCalledAgain) {
  Lane::Member* alice = one_.Join(10, alice_);
  two_.Subscribe(two_.Join(20, bob_), "t");
  two_.Run();
  one_.Relay(alice, "t", "waits in the inbox");
  two_.EndLink();
  one_.Relay(alice, "t", "to nobody");
  EXPECT_THAT(bob_.frames, IsEmpty());
  size_t lanes = 0, peers = 0;
  core::RouterInput call = core::AdminCall{[&](core::Router& router) {
    lanes = router.directory().lanes().size();
    peers = router.directory().peer_ids().size();
  }};
  core_.Enter(call);
  EXPECT_EQ(lanes, 1u);
  EXPECT_EQ(peers, 1u);
}

TEST_F(DirectLinkTest, AnOperatorsOrderReachesItsPeer) {
  one_.Join(10, alice_);
  one_.Flush();
  core::RouterInput call = core::AdminCall{[](core::Router& router) {
    core::Disconnect(router.output(), *router.directory().Peer(10), 4001, "maintenance");
  }};
  core_.Enter(call);
  one_.Run();
  EXPECT_THAT(alice_.disconnects, ElementsAre(std::pair(4001, "maintenance")));
}

// Both loops relay to each other as fast as they can; a loop that finds the router busy queues its
// batch.
TEST_F(DirectLinkTest, TwoLoopsThatRelayAtOnceGetEverythingInOrder) {
  constexpr size_t kRelays = 5000;
  Lane::Member* alice = one_.Join(10, alice_);
  Lane::Member* bob = two_.Join(20, bob_);
  one_.Subscribe(alice, "t");
  two_.Subscribe(bob, "t");
  const auto run = [](LinkedLane& loop, const Lane::Member* self, const FakeClient& client) {
    for (size_t i = 0; i < kRelays; ++i) {
      loop.Relay(self, "t", std::to_string(i));
      if (i % 10 == 0) loop.Run();
    }
    while (client.frames.size() < kRelays) {
      loop.Run();
      std::this_thread::yield();
    }
  };
  std::thread other([&] { run(two_, bob, bob_); });
  run(one_, alice, alice_);
  other.join();
  for (const FakeClient* client : {&alice_, &bob_}) {
    ASSERT_EQ(client->frames.size(), kRelays);
    for (size_t i = 0; i < kRelays; ++i) {
      ASSERT_EQ(client->frames[i], DeliveredFrame("t", std::to_string(i)));
    }
  }
}

}  // namespace
}  // namespace cairn::server

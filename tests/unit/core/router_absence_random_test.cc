// Lanes whose streams break at random moments, with edges that behave as edge/outbox.h and
// edge/lane.h do: everybody hears everything once and in order.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/router_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::LaneEvent;

constexpr uint64_t kEdges = 3;
constexpr int kSteps = 400;
constexpr char kTopic[] = "t";

class RouterAbsenceRandomTest : public RouterTest, public testing::WithParamInterface<uint32_t> {
 protected:
  // One lane with one peer, whose id is the lane's.
  struct ModelEdge {
    Sink sink;                                        // null while the link is down
    uint64_t relayed = 0;                             // number of its last relay
    std::deque<uint64_t> unacked;                     // its relays that it may have to say again
    std::map<uint64_t, uint64_t> seen;                // of each origin
    std::map<uint64_t, std::vector<uint64_t>> heard;  // what its peer got of each origin
    uint64_t delivered = 0;                           // number of the last delivery of the stream
  };

  void Connect(uint64_t id) {
    ModelEdge& edge = edges_[id];
    edge.sink = OpenInSnapshot(id);
    edge.delivered = 0;
    Batch opening;
    opening.Opened(id).Subscribed(id, kTopic);
    opening.Add(LaneEvent::KIND_SNAPSHOT_END, 0);
    for (const uint64_t seq : edge.unacked) opening.Relayed(id, kTopic, seq, true);
    Say(edge.sink, opening);
  }

  void Relay(uint64_t id) {
    ModelEdge& edge = edges_[id];
    edge.unacked.push_back(++edge.relayed);
    if (edge.sink) Say(edge.sink, Batch().Relayed(id, kTopic, edge.relayed, true));
  }

  // Takes what has arrived, but for the last `lost` messages.
  void Receive(uint64_t id, size_t lost) {
    ModelEdge& edge = edges_[id];
    std::vector<signaling::v1::CoreToLane> messages = edge.sink->TakeMessages();
    messages.resize(messages.size() - std::min(lost, messages.size()));
    for (const auto& message : messages) {
      while (!edge.unacked.empty() && edge.unacked.front() <= message.acked_seq()) {
        edge.unacked.pop_front();
      }
      for (const auto& delivery : message.deliveries()) {
        ASSERT_EQ(delivery.seq(), edge.delivered + 1);
        edge.delivered = delivery.seq();
        uint64_t& seen = edge.seen[delivery.origin_lane()];
        if (delivery.origin_seq() <= seen) continue;
        seen = delivery.origin_seq();
        edge.heard[delivery.origin_lane()].push_back(seen);
      }
    }
  }

  void Step() {
    const uint64_t id = 1 + random_() % kEdges;
    ModelEdge& edge = edges_[id];
    if (!edge.sink) return Connect(id);
    switch (random_() % 12) {
      case 0:  // the core notices
        Receive(id, random_() % 4);
        Break(edge.sink);
        edge.sink.reset();
        break;
      case 1:  // it does not
        Receive(id, random_() % 4);
        return Connect(id);
      case 2:
      case 3:
      case 4:
        return Receive(id, 0);
      case 5:
      case 6:
        return Say(edge.sink, Batch().Delivered(edge.delivered));
      default:
        return Relay(id);
    }
  }

  std::map<uint64_t, ModelEdge> edges_;
  std::mt19937 random_{GetParam()};
};

TEST_P(RouterAbsenceRandomTest, EverybodyHearsEverythingOnceAndInOrder) {
  for (uint64_t id = 1; id <= kEdges; ++id) Connect(id);
  for (int i = 0; i < kSteps; ++i) {
    Step();
    if (HasFatalFailure()) return;
  }
  for (auto& [id, edge] : edges_) {
    if (!edge.sink) Connect(id);
  }
  for (auto& [id, edge] : edges_) Receive(id, 0);
  for (auto& [id, edge] : edges_) Say(edge.sink, Batch().Delivered(edge.delivered));
  RouterInput tick = Tick{};
  router_.Handle(tick);
  for (auto& [id, edge] : edges_) Receive(id, 0);
  for (auto& [id, edge] : edges_) {
    EXPECT_TRUE(edge.unacked.empty());
    for (const auto& [origin, other] : edges_) {
      std::vector<uint64_t> all;
      for (uint64_t seq = 1; origin != id && seq <= other.relayed; ++seq) all.push_back(seq);
      EXPECT_EQ(edge.heard[origin], all) << "edge " << id << " of " << origin;
    }
  }
  EXPECT_EQ(router_.absent_lanes(), 0u);
  EXPECT_EQ(router_.directory().peer_ids().size(), kEdges);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RouterAbsenceRandomTest, testing::Range(0u, 200u));

}  // namespace
}  // namespace cairn::core

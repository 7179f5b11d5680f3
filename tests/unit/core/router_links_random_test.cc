// Lanes whose streams break at random moments, with edges that behave as edge/lane.h does:
// everybody hears everything once and in order, and every relay is settled once.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/router_fixture.h"

namespace cairn::core {
namespace {

constexpr uint64_t kEdges = 3;
constexpr int kSteps = 400;
constexpr char kTopic[] = "t";

class RouterLinksRandomTest : public RouterTest, public testing::WithParamInterface<uint32_t> {
 protected:
  // One lane with one peer, whose id is the lane's.
  struct ModelEdge {
    LanePtr lane;
    uint64_t relayed = 0;                             // number of its last relay
    std::vector<uint64_t> settled;                    // of its relays
    std::map<uint64_t, std::vector<uint64_t>> heard;  // what its peer got of each origin
  };

  void Relay(uint64_t id) {
    ModelEdge& edge = edges_[id];
    Say(edge.lane, Batch().Relayed(id, kTopic, ++edge.relayed));
  }
  // Takes what has arrived, but for the last `lost` messages.
  void Receive(uint64_t id, size_t lost) {
    ModelEdge& edge = edges_[id];
    if (!edge.lane->stream) return;
    edge.lane->Receive(std::min(lost, edge.lane->stream->written.size()));
    for (const auto& message : std::exchange(edge.lane->messages, {})) {
      for (const uint64_t number : SettledIn({message})) edge.settled.push_back(number);
      for (const auto& delivery : message.deliveries())
        edge.heard[delivery.origin_lane()].push_back(delivery.origin_seq());
    }
  }
  void Step() {
    const uint64_t id = 1 + random_() % kEdges;
    ModelEdge& edge = edges_[id];
    if (!edge.lane->stream) {
      if (random_() % 2 == 0) return Relay(id);
      EXPECT_EQ(Connect(edge.lane), Welcome::OUTCOME_RESUMED);
      return;
    }
    switch (random_() % 12) {
      case 0:  // the core notices
        Receive(id, random_() % 4);
        if (random_() % 2 == 0) LoseNext(edge);
        return Break(edge.lane);
      case 1:  // it does not
        Receive(id, random_() % 4);
        if (random_() % 2 == 0) LoseNext(edge);
        edge.lane->link->Detach();
        EXPECT_EQ(Connect(edge.lane), Welcome::OUTCOME_RESUMED);
        return;
      case 2:
      case 3:
      case 4:
        return Receive(id, 0);
      case 5:
      case 6:
        Receive(id, 0);
        edge.lane->messages.clear();
        return Answer(edge.lane);
      case 7:
        return TickNow();
      default:
        return Relay(id);
    }
  }
  // A relay that was written to the stream and does not arrive.
  void LoseNext(ModelEdge& edge) {
    signaling::v1::LaneToCore message =
        Batch().Relayed(edge.lane->id, kTopic, ++edge.relayed).message();
    edge.lane->link->Append(message);
    while (edge.lane->link->HasNext()) edge.lane->link->Next();
  }

  std::map<uint64_t, ModelEdge> edges_;
  std::mt19937 random_{GetParam()};
};

TEST_P(RouterLinksRandomTest, EverySubscriberGetsEveryRelayOnceInOrderAndEachIsSettledOnce) {
  for (uint64_t id = 1; id <= kEdges; ++id) {
    edges_[id].lane = Open(id);
    Say(edges_[id].lane, Batch().Opened(id).Subscribed(id, kTopic));
  }
  for (int i = 0; i < kSteps; ++i) {
    Step();
    if (HasFailure()) return;
  }
  for (auto& [id, edge] : edges_) {
    if (!edge.lane->stream) {
      EXPECT_EQ(Connect(edge.lane), Welcome::OUTCOME_RESUMED);
    }
  }
  for (int i = 0; i < 3; ++i) {
    for (auto& [id, edge] : edges_) Receive(id, 0);
    for (auto& [id, edge] : edges_) Answer(edge.lane);
    TickNow();
  }
  for (auto& [id, edge] : edges_) Receive(id, 0);
  for (auto& [id, edge] : edges_) {
    EXPECT_EQ(edge.lane->link->cost(), 0u);
    std::sort(edge.settled.begin(), edge.settled.end());
    for (const auto& [origin, other] : edges_) {
      std::vector<uint64_t> all;
      for (uint64_t seq = 1; seq <= other.relayed; ++seq) all.push_back(seq);
      if (origin == id) {
        EXPECT_EQ(edge.settled, all) << "edge " << id;
        all.clear();
      }
      EXPECT_EQ(edge.heard[origin], all) << "edge " << id << " of " << origin;
    }
  }
  EXPECT_EQ(router_->directory().peer_ids().size(), kEdges);
  EXPECT_EQ(router_->counters().events_ignored, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RouterLinksRandomTest, testing::Range(0u, 200u));

}  // namespace
}  // namespace cairn::core

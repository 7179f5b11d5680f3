// Router: who is present, who is interested in what, and which lanes a relay goes to.
//
// A single-writer state machine without clock, thread or randomness: the same inputs give the same outputs.
//
// Owner:  Core. Thread: whoever is in the combiner in front of it.
// Bounds: an entry per lane, peer, subscription and topic. A relay costs O(lanes with interest), a peer that leaves
//         O(its topics), whatever else is connected.
// Errors: what a lane says out of turn (an event of a peer it never opened) is ignored and counted.
#ifndef CAIRN_CORE_ROUTER_H_
#define CAIRN_CORE_ROUTER_H_

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/container/inlined_vector.h>
#include <absl/hash/hash.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/edge_sink.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::core {

// ---- inputs

// A lane has said Hello. One that is known already is replaced: its old stream is closed with ABORTED.
struct LaneOpened {
  std::shared_ptr<EdgeSink> sink;
  signaling::v1::Hello hello;
};
struct LaneBatch {
  std::shared_ptr<EdgeSink> sink;
  signaling::v1::LaneToCore batch;  // its strings may be moved out
};
// The stream is gone, and all its peers with it. Without effect for a lane that was replaced.
struct LaneClosed {
  std::shared_ptr<EdgeSink> sink;
};
using RouterInput = std::variant<LaneOpened, LaneBatch, LaneClosed>;

struct RouterCounters {
  uint64_t relays = 0;
  uint64_t relays_unheard = 0;  // nobody else subscribed: they went nowhere
  uint64_t deliveries = 0;      // relays times lanes
  uint64_t events_ignored = 0;  // said out of turn
};

class Router {
 public:
  static constexpr uint32_t kProtocolVersion = 1;

  // `core_id` is random and not 0.
  explicit Router(uint64_t core_id) : core_id_(core_id) {}

  void Handle(RouterInput& input);

  size_t lane_count() const { return lanes_.size(); }
  size_t peer_count() const { return peer_count_; }
  size_t topic_count() const { return topics_.size(); }
  const RouterCounters& counters() const { return counters_; }

 private:
  struct Lane;
  struct Interest {
    Lane* lane;
    uint32_t subscribers;
  };
  struct Topic {
    std::string name;
    absl::InlinedVector<Interest, 2> interests;
  };
  struct Peer {
    absl::flat_hash_set<Topic*> topics;
  };
  struct Lane {
    uint64_t id = 0;
    std::shared_ptr<EdgeSink> sink;
    absl::flat_hash_map<uint64_t, Peer> peers;
    signaling::v1::CoreToLane out;  // gathered while a batch is handled
    bool dirty = false;
    uint64_t next_delivery_seq = 1;
  };
  struct NameHash {
    size_t operator()(std::string_view name) const {
      return absl::Hash<absl::string_view>()(absl::string_view(name.data(), name.size()));
    }
  };

  void On(LaneOpened& opened);
  void On(LaneBatch& input);
  void On(LaneClosed& closed);

  void OnEvent(Lane& lane, signaling::v1::LaneEvent& event);
  void Subscribe(Lane& lane, uint64_t peer, std::string_view name);
  void Unsubscribe(Lane& lane, uint64_t peer, std::string_view name);
  void Relay(Lane& origin, signaling::v1::LaneEvent& event);
  void RemoveLane(Lane& lane);
  void RemovePeer(Lane& lane, uint64_t peer);
  void RemoveInterest(Lane& lane, Topic* topic);
  signaling::v1::CoreToLane& OutOf(Lane& lane);
  void SendGathered();

  const uint64_t core_id_;
  absl::flat_hash_map<EdgeSink*, std::unique_ptr<Lane>> lanes_;
  absl::flat_hash_map<uint64_t, Lane*> lanes_by_id_;
  // Keys are views of Topic::name.
  absl::flat_hash_map<std::string_view, std::unique_ptr<Topic>, NameHash, std::equal_to<>> topics_;
  std::vector<Lane*> dirty_;
  size_t peer_count_ = 0;
  RouterCounters counters_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_ROUTER_H_

// Outbox: what a lane has to tell the core: the batch of the current turn, and, in order, what
// there is no room for yet.
//
// Relays wait unchanged. A change of presence is stored as the name of what changed, and is looked
// up when it is sent: a client that subscribes and unsubscribes a thousand times meanwhile has one
// entry.
//
// Owner:  Lane.
// Thread: its loop.
// Bounds: the lane compares waiting_cost() with EdgeLimits::max_backlog_bytes.
#ifndef CAIRN_EDGE_OUTBOX_H_
#define CAIRN_EDGE_OUTBOX_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/record_cache.h"
#include "proto/link/cost.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::edge {

class Outbox {
 public:
  // ---- the batch of the current turn
  // Appends an event to the batch; Added() must follow when the event is complete.
  signaling::v1::LaneEvent& Add(signaling::v1::LaneEvent::Kind kind, uint64_t peer) {
    signaling::v1::LaneEvent& event = *batch_.add_events();
    event.set_kind(kind);
    event.set_peer(peer);
    return event;
  }
  void Added(const signaling::v1::LaneEvent& event) {
    if (room_ != kUnlimited) room_ -= static_cast<int64_t>(link::CostOf(event));
  }
  signaling::v1::LaneToCore& batch() { return batch_; }
  // What the core has room for, minus what is in the batch.
  bool has_room() const { return room_ > 0; }
  void SetRoom(size_t room) { room_ = static_cast<int64_t>(room); }

  // ---- the queue
  // As Add() and Added(), but at the end of the queue.
  signaling::v1::LaneEvent& AddWaiting(signaling::v1::LaneEvent::Kind kind, uint64_t peer);
  void AddedWaiting(const signaling::v1::LaneEvent& event);
  // The peer's subscription to the topic has changed. `told`: whether the core currently has the
  // subscription; of several changes, the first one's value counts.
  void AddChange(uint64_t peer, std::string_view topic, bool told);

  bool empty() const { return waiting_.empty(); }
  size_t waiting_cost() const { return waiting_cost_; }
  // Whether the first entry of the queue is a change of presence; otherwise it is an event.
  bool first_is_change() const { return waiting_.front().kind() == kChange; }
  struct Change {
    uint64_t peer;
    std::string topic;
    bool told;
  };
  Change TakeChange();
  // Moves the first event of the queue into the batch.
  void MoveFirst();

  // Discards everything but numbered events (placed after `before`), and the batch. Of a record
  // that is not its publisher's newest, only the relay of its content is kept: a record sent after
  // the snapshot would replace the newest one.
  void Restart(std::vector<signaling::v1::LaneEvent> before, const RecordCache& records);

 private:
  static constexpr auto kChange = signaling::v1::LaneEvent::KIND_UNSPECIFIED;

  // The room of a lane whose core is in the same process: costs need not be known.
  static constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

  void PopFirst();

  signaling::v1::LaneToCore batch_;
  int64_t room_ = 0;
  std::deque<signaling::v1::LaneEvent> waiting_;
  size_t waiting_cost_ = 0;
  // For every queued change: whether the core currently has the subscription.
  absl::flat_hash_map<std::pair<uint64_t, std::string>, bool> changes_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_OUTBOX_H_

// Outbox: what a lane has to tell the core: the batch of the current turn, and what there is no
// room for yet, in order.
//
// Relays wait as they are. A change of presence waits as the name of what has changed, and is
// looked up when its turn comes: a client that subscribes and unsubscribes a thousand times
// meanwhile has one entry.
//
// Owner:  Lane.
// Thread: its loop.
// Bounds: waiting_cost() is held against EdgeLimits::max_backlog_bytes by the lane.
#ifndef CAIRN_EDGE_OUTBOX_H_
#define CAIRN_EDGE_OUTBOX_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/record_cache.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::edge {

class Outbox {
 public:
  // ---- the batch of the current turn
  // Appends an event to it; Added() must follow when the event is filled.
  signaling::v1::LaneEvent& Add(signaling::v1::LaneEvent::Kind kind, uint64_t peer);
  void Added(const signaling::v1::LaneEvent& event);
  signaling::v1::LaneToCore& batch() { return batch_; }
  // What the core can be told now, less what is in the batch.
  bool has_room() const { return room_ > 0; }
  void SetRoom(size_t room) { room_ = static_cast<int64_t>(room); }

  // ---- what waits
  // As Add() and Added(), behind everything that waits.
  signaling::v1::LaneEvent& AddWaiting(signaling::v1::LaneEvent::Kind kind, uint64_t peer);
  void AddedWaiting(const signaling::v1::LaneEvent& event);
  // The peer's subscription to the topic has changed. `told`: whether the core believes in it; of
  // several changes, the first one's counts.
  void AddChange(uint64_t peer, std::string_view topic, bool told);

  bool empty() const { return waiting_.empty(); }
  size_t waiting_cost() const { return waiting_cost_; }
  // Whether the first of what waits is a change; if not, it is an event.
  bool first_is_change() const { return waiting_.front().kind() == kChange; }
  struct Change {
    uint64_t peer;
    std::string topic;
    bool told;
  };
  Change TakeChange();
  // Moves the first event into the batch.
  void MoveFirst();

  // Keeps only events with a number, behind `before`, and forgets the batch. Of a record that is
  // not its publisher's newest only the relay of its blob is kept: told after the snapshot, it
  // would take the newest one's place.
  void Restart(std::vector<signaling::v1::LaneEvent> before, const RecordCache& records);

 private:
  static constexpr auto kChange = signaling::v1::LaneEvent::KIND_UNSPECIFIED;

  void PopFirst();

  signaling::v1::LaneToCore batch_;
  int64_t room_ = 0;
  std::deque<signaling::v1::LaneEvent> waiting_;
  size_t waiting_cost_ = 0;
  // Of every change that waits: whether the core believes in the subscription.
  absl::flat_hash_map<std::pair<uint64_t, std::string>, bool> changes_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_OUTBOX_H_

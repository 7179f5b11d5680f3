// BatchTurns: the lanes with batches that were not handled in one turn, in the order in which they
// are served: round-robin.
//
// Owner:  Router.
// Thread: the router's.
// Bounds: each lane is listed once; it passes in no other batch before its last one was handled.
#ifndef CAIRN_CORE_BATCH_TURNS_H_
#define CAIRN_CORE_BATCH_TURNS_H_

#include <cstddef>
#include <deque>
#include <utility>

#include "core/directory.h"

namespace cairn::core {

class BatchTurns {
 public:
  // The rest of the batch is handled when the lane has its turn.
  void Add(LaneRecord& lane, OpenBatch rest) {
    lane.batches.push_back(std::move(rest));
    if (!std::exchange(lane.has_turn, true)) lanes_.push_back(&lane);
  }
  bool empty() const { return lanes_.empty(); }
  size_t size() const { return lanes_.size(); }
  // The lane whose turn it is, which loses its place. REQUIRES: not empty.
  LaneRecord& TakeFirst() {
    LaneRecord& lane = *lanes_.front();
    lanes_.pop_front();
    lane.has_turn = false;
    return lane;
  }
  // After its turn: to the end, if the lane has unfinished batches.
  void PutBack(LaneRecord& lane) {
    if (lane.batches.empty() || std::exchange(lane.has_turn, true)) return;
    lanes_.push_back(&lane);
  }
  // The lane's batches have been handled, or it is about to be destroyed.
  void Forget(LaneRecord& lane) {
    if (std::exchange(lane.has_turn, false)) std::erase(lanes_, &lane);
  }

 private:
  std::deque<LaneRecord*> lanes_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_BATCH_TURNS_H_

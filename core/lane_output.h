// LaneOutput: the lanes for which messages have been gathered while an input is handled.
//
// Owner:  Router.
// Thread: the router's.
// Bounds: each lane is listed once.
#ifndef CAIRN_CORE_LANE_OUTPUT_H_
#define CAIRN_CORE_LANE_OUTPUT_H_

#include <utility>
#include <vector>

#include "core/directory.h"

namespace cairn::core {

class LaneOutput {
 public:
  // The lane may have something to write, such as an acknowledgement.
  void Mark(LaneRecord& lane) {
    if (!std::exchange(lane.dirty, true)) marked_.push_back(&lane);
  }
  // The message that is being gathered for the lane.
  signaling::v1::CoreToLane& For(LaneRecord& lane) {
    Mark(lane);
    return lane.out;
  }

  bool empty() const { return marked_.empty(); }
  // Calls `send` for each lane marked before the call. What `send` marks is left for the next call.
  template <typename Send>
  void SendEach(Send send) {
    sending_.swap(marked_);
    for (LaneRecord* lane : sending_) {
      lane->dirty = false;
      send(*lane);
    }
    sending_.clear();
  }
  // The lane is about to be destroyed. Must not be called by `send`.
  void Forget(LaneRecord& lane) {
    if (lane.dirty) std::erase(marked_, &lane);
  }

 private:
  std::vector<LaneRecord*> marked_;
  std::vector<LaneRecord*> sending_;  // reused
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LANE_OUTPUT_H_

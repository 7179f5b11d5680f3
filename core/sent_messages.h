// SentMessages: what a lane was sent whose deliveries it has not answered for.
//
// If the stream breaks it is not known what of it arrived; the lane's next stream gets it again,
// and the lane drops what it has seen.
//
// Owner:  an EdgeSink. Thread: its owner's.
// Bounds: what an edge keeps unacknowledged (EdgeLimits::max_backlog_bytes for each origin).
#ifndef CAIRN_CORE_SENT_MESSAGES_H_
#define CAIRN_CORE_SENT_MESSAGES_H_

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "signaling/v1/lane.pb.h"

namespace cairn::core {

class SentMessages {
 public:
  // Takes a message that has been written and leaves an empty one, with an earlier one's memory.
  void Keep(signaling::v1::CoreToLane& message) {
    if (message.deliveries_size() == 0) return message.Clear();
    signaling::v1::CoreToLane& kept = kept_.emplace_back();
    kept.Swap(&message);
    if (spare_.empty()) return;
    message.Swap(&spare_.back());
    spare_.pop_back();
  }
  // Of the deliveries, everything up to and including the number.
  void Acknowledged(uint64_t delivery_seq) {
    while (!kept_.empty() && kept_.front().deliveries().rbegin()->seq() <= delivery_seq) {
      if (spare_.size() < kMaxSpare) {
        kept_.front().Clear();
        spare_.push_back(std::move(kept_.front()));
      }
      kept_.pop_front();
    }
  }
  // Oldest first; none are left.
  std::deque<signaling::v1::CoreToLane> Take() { return std::exchange(kept_, {}); }

 private:
  // Enough for the messages between two acknowledgements of a busy lane.
  static constexpr size_t kMaxSpare = 16;

  std::deque<signaling::v1::CoreToLane> kept_;
  std::vector<signaling::v1::CoreToLane> spare_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_SENT_MESSAGES_H_

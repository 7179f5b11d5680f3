// LaneChannel: the core's end of a lane's link: its messages, its stream while there is one, and
// whether the lane still answers.
//
//   attached ──stream breaks──▶ detached ──Hello with this core's id──▶ attached
//       └────────────── overdue() or full: the router gives the lane up ──────┘
//
// Owner:  a LaneRecord.
// Thread: the router's. Time is passed in, steady.
// Bounds: the router compares cost() with CoreLimits::max_lane_queued_bytes, or with four of the
//         largest messages.
#ifndef CAIRN_CORE_LANE_CHANNEL_H_
#define CAIRN_CORE_LANE_CHANNEL_H_

#include <absl/functional/function_ref.h>
#include <absl/time/time.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "core/edge_sink.h"
#include "core/limits.h"
#include "proto/link/link.h"

namespace cairn::core {

class LaneChannel {
 public:
  using WireLink = link::Link<signaling::v1::CoreToLane, signaling::v1::LaneToCore>;

  // `number` is Welcome.link.
  LaneChannel(uint64_t number, std::shared_ptr<LaneStream> stream, const CoreLimits& limits,
              absl::Duration now);
  ~LaneChannel();

  // Called for each message that the lane has handled, oldest first.
  using Release = absl::FunctionRef<void(signaling::v1::CoreToLane&)>;

  // ---- the stream
  bool attached() const { return stream_ != nullptr; }
  LaneStream* stream() const { return stream_.get(); }
  // A new stream continues the link; false when the lane claims to have received what was never
  // sent.
  bool Resume(std::shared_ptr<LaneStream> stream, uint64_t lane_received, absl::Duration now,
              Release release);
  std::shared_ptr<LaneStream> Detach();

  // ---- messages
  // Takes the contents of `message` and leaves it cleared. `goes_on`: it belongs together with the
  // last one, too much for one turn.
  void Append(signaling::v1::CoreToLane& message, absl::Duration now, bool goes_on = false);
  // Writes the next message, if there is one and the stream accepts it.
  void Pump();
  // As Link::Receive().
  link::Receipt Receive(signaling::v1::LaneToCore& message, absl::Duration now, Release release);
  // What the lane has not acknowledged, oldest first.
  std::vector<signaling::v1::CoreToLane> TakeUnacknowledged();

  void AckNow() { link_.AckNow(); }
  void BeatNow() { link_.BeatNow(); }
  uint64_t number() const { return number_; }
  uint64_t received() const { return link_.received(); }
  size_t cost() const { return link_.cost(); }
  // Including the parts of a message that has not been received completely.
  size_t memory() const { return link_.cost() + link_.part_bytes(); }
  // Whether cost() is above `max`, or above some messages of the largest size where edges allow
  // larger ones.
  bool full(size_t max) const { return link_.cost() > std::max(max, 4 * largest_); }
  // The core was stopped for a while: the lane has `grace` to answer, whatever it owes.
  void Excuse(absl::Duration now, absl::Duration timeout, absl::Duration grace) {
    answered_ = std::max(answered_, now - timeout + grace);
  }
  // Whether the lane has not answered for `timeout`.
  bool overdue(absl::Duration now, absl::Duration timeout) const {
    return now - answered_ > timeout;
  }

 private:
  const uint64_t number_;
  WireLink link_;
  size_t at_once_ = 0;                  // the cost of what was appended last
  size_t largest_ = 0;                  // the largest of these
  std::shared_ptr<LaneStream> stream_;  // null: detached
  absl::Duration answered_;             // the time of the last answer, or since when it owes one
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LANE_CHANNEL_H_

// LaneAbsence: what waits for a lane whose stream has broken, until it is back or given up.
//
// A link that breaks for a moment costs nobody anything: the lane's peers stay where they are, what
// is for them is kept, and the lane's next stream begins with it.
//
// Owner:  a LaneRecord. Thread: the router's. Time is handed in, Unix microseconds.
// Bounds: kGraceUs, kMaxBytes.
#ifndef CAIRN_CORE_LANE_ABSENCE_H_
#define CAIRN_CORE_LANE_ABSENCE_H_

#include <cstddef>
#include <cstdint>

#include "core/core_message.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::core {

class LaneAbsence {
 public:
  // An edge tries again after 50 ms, then after about twice as long each time (edge/backoff.h).
  static constexpr int64_t kGraceUs = 2'000'000;
  static constexpr size_t kMaxBytes = 64 << 20;

  explicit LaneAbsence(int64_t now_us) : until_us_(now_us + kGraceUs) {}

  // Takes the contents of `message`, but what is told anew to every stream.
  void Keep(signaling::v1::CoreToLane& message) {
    message.clear_welcome();
    message.clear_roster();
    message.clear_acked_seq();
    for (const auto& delivery : message.deliveries()) {
      bytes_ += delivery.topic().size() + delivery.payload().size();
    }
    AppendCoreMessage(message, kept_);
  }
  bool over(int64_t now_us) const { return now_us >= until_us_ || bytes_ > kMaxBytes; }
  // Of topics and payloads that are kept.
  size_t bytes() const { return bytes_; }
  // In the order in which it was kept.
  signaling::v1::CoreToLane& kept() { return kept_; }

 private:
  const int64_t until_us_;
  size_t bytes_ = 0;
  signaling::v1::CoreToLane kept_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LANE_ABSENCE_H_

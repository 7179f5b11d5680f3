// Backoff: the pauses between attempts: doubling, capped, and jittered, so that many edges do not
// reconnect at the same moment.
//
// Thread: none of its own.
#ifndef CAIRN_EDGE_BACKOFF_H_
#define CAIRN_EDGE_BACKOFF_H_

#include <absl/time/time.h>

#include <cstdint>

namespace cairn::edge {

class Backoff {
 public:
  // REQUIRES: 0 < first <= cap. `seed` decides the jitter.
  Backoff(absl::Duration first, absl::Duration cap, uint64_t seed);

  // The next pause: between half and all of first * 2^attempts, at most cap.
  absl::Duration Next();
  // An attempt succeeded: start over.
  void Reset() { next_ = first_; }

 private:
  const absl::Duration first_;
  const absl::Duration cap_;
  absl::Duration next_;
  uint64_t state_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_BACKOFF_H_

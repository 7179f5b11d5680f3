// Backoff: how long to wait before trying again: doubling, capped, jittered so that many edges do
// not come at once.
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

  // The next wait: between half and all of first * 2^tries, at most cap.
  absl::Duration Next();
  // It worked: start over.
  void Reset() { next_ = first_; }

 private:
  const absl::Duration first_;
  const absl::Duration cap_;
  absl::Duration next_;
  uint64_t state_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_BACKOFF_H_

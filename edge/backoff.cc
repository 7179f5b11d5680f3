#include "edge/backoff.h"

#include <algorithm>
#include <random>

#include "base/check.h"

namespace cairn::edge {

Backoff::Backoff(absl::Duration first, absl::Duration cap, uint64_t seed)
    : first_(first), cap_(cap), next_(first), state_(seed) {
  CAIRN_CHECK(first > absl::ZeroDuration() && first <= cap);
}

absl::Duration Backoff::Next() {
  std::minstd_rand random(static_cast<uint32_t>(state_ ^ (state_ >> 32)));
  random.discard(1);
  state_ = random();
  const double share = 0.5 + 0.5 * std::generate_canonical<double, 32>(random);
  const absl::Duration wait = next_ * share;
  next_ = std::min(next_ * 2, cap_);
  return wait;
}

}  // namespace cairn::edge

#include "edge/core_failback.h"

#include <random>

namespace cairn::edge {

CoreFailback::CoreFailback(const Clock& clock, uint64_t seed) : clock_(clock), random_(seed) {}

bool CoreFailback::ClaimProbe() {
  MutexLock lock(mu_);
  const absl::Duration now = clock_.Elapsed();
  if (now < next_probe_) return false;
  next_probe_ = now + kProbeInterval;
  return true;
}

void CoreFailback::Report(const std::string& better) {
  MutexLock lock(mu_);
  const absl::Duration now = clock_.Elapsed();
  // Without reports, nothing is known of the time between.
  const bool stale = now - last_report_ > 3 * kProbeInterval;
  last_report_ = now;
  if (better.empty()) return better_.clear();
  if (stale || better != better_) {
    std::minstd_rand random(static_cast<uint32_t>(random_ ^ (random_ >> 32)));
    random.discard(1);
    random_ = random();
    better_ = better;
    due_ = now + kWell + kJitter * std::generate_canonical<double, 32>(random);
    return;
  }
  if (now < due_) return;
  better_.clear();
  ++moves_;
}

uint64_t CoreFailback::moves() const {
  MutexLock lock(mu_);
  return moves_;
}

}  // namespace cairn::edge

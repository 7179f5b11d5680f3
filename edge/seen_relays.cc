#include "edge/seen_relays.h"

#include <absl/container/flat_hash_set.h>

#include "proto/link/timing.h"

namespace cairn::edge {

bool SeenRelays::Take(uint64_t origin_lane, uint64_t seq) {
  uint64_t& seen = seen_[origin_lane].seq;
  if (seq <= seen) return false;
  seen = seq;
  return true;
}

void SeenRelays::OnRoster(const signaling::v1::Roster& roster, absl::Duration now) {
  const absl::flat_hash_set<uint64_t> present(roster.lanes().begin(), roster.lanes().end());
  for (auto& [origin, seen] : seen_) {
    if (present.contains(origin)) {
      seen.absent_since = absl::InfiniteDuration();
    } else if (seen.absent_since == absl::InfiniteDuration()) {
      seen.absent_since = now;
      absent_.push_back({now, origin});
    }
  }
  Prune(now);
}

void SeenRelays::Prune(absl::Duration now) {
  const absl::Duration kept = absl::FromChrono(link::kSeenKept);
  while (!absent_.empty() && (absent_.size() > kMaxAbsent || now - absent_.front().since >= kept)) {
    const auto it = seen_.find(absent_.front().origin_lane);
    if (it != seen_.end() && it->second.absent_since == absent_.front().since) seen_.erase(it);
    absent_.pop_front();
  }
}

}  // namespace cairn::edge

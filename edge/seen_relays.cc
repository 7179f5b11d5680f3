#include "edge/seen_relays.h"

#include <absl/container/flat_hash_set.h>

#include "proto/link/timing.h"

namespace cairn::edge {

void SeenRelays::OnRoster(const signaling::v1::Roster& roster, absl::Duration now) {
  absl::flat_hash_set<uint64_t> present(roster.lanes().begin(), roster.lanes().end());
  present.insert(roster.elsewhere().begin(), roster.elsewhere().end());
  for (auto& [origin, seen] : seen_) {
    const bool was_absent = seen.absent_since != absl::InfiniteDuration();
    if (present.contains(origin)) {
      if (was_absent) --absent_count_;
      seen.absent_since = absl::InfiniteDuration();
    } else if (!was_absent) {
      seen.absent_since = now;
      absent_.push_back({now, origin});
      ++absent_count_;
    }
  }
  if (absent_.size() > 2 * kMaxAbsent)
    std::erase_if(absent_, [this](const Absent& absent) { return IsStale(absent); });
  Prune(now);
}

void SeenRelays::Prune(absl::Duration now) {
  const absl::Duration kept = absl::FromChrono(link::kSeenKept);
  while (!absent_.empty() && (absent_count_ > kMaxAbsent || now - absent_.front().since >= kept)) {
    if (!IsStale(absent_.front())) {
      seen_.erase(absent_.front().origin_lane);
      last_ = nullptr;
      --absent_count_;
    }
    absent_.pop_front();
  }
}

bool SeenRelays::IsStale(const Absent& absent) const {
  const auto it = seen_.find(absent.origin_lane);
  return it == seen_.end() || it->second.absent_since != absent.since;
}

}  // namespace cairn::edge

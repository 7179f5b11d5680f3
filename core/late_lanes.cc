#include "core/late_lanes.h"

#include <algorithm>
#include <utility>

#include "proto/link/cost.h"

namespace cairn::core {

LateLanes::LateLanes(size_t max_cost) : max_cost_(max_cost) {}

void LateLanes::Begin(const absl::flat_hash_set<uint64_t>& lanes, absl::Duration until) {
  if (lanes.empty()) return;
  until_ = keeping() ? std::max(until_, until) : until;
  lanes_.insert(lanes.begin(), lanes.end());
}

bool LateLanes::Contains(uint64_t lane_id) const { return lanes_.contains(lane_id); }

void LateLanes::Keep(uint64_t origin_lane, uint64_t origin_link,
                     const signaling::v1::LaneEvent& event) {
  kept_.push_back({origin_lane, origin_link, event});
  cost_ += link::CostOf(kept_.back().event);
}

void LateLanes::Finish(uint64_t lane_id) { lanes_.erase(lane_id); }

absl::flat_hash_set<uint64_t> LateLanes::GiveUp() { return std::exchange(lanes_, {}); }

LateLanes::Kept LateLanes::TakeFirst() {
  Kept first = std::move(kept_.front());
  kept_.pop_front();
  cost_ -= link::CostOf(first.event);
  return first;
}

}  // namespace cairn::core

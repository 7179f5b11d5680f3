#include "core/tombstones.h"

#include <algorithm>
#include <utility>

namespace cairn::core {

Tombstones::Tombstones(size_t max) : max_(max) {}

void Tombstones::Set(uint64_t lane_id, std::string secret) {
  Kept& kept = by_lane_[lane_id];
  kept = {std::move(secret), ++last_stamp_};
  order_.push_back({lane_id, kept.stamp});
  for (; by_lane_.size() > max_; order_.pop_front()) {
    if (!IsStale(order_.front())) by_lane_.erase(order_.front().lane_id);
  }
  if (order_.size() > 2 * max_)
    std::erase_if(order_, [this](const Place& place) { return IsStale(place); });
}

const std::string* Tombstones::Find(uint64_t lane_id) const {
  const auto it = by_lane_.find(lane_id);
  return it == by_lane_.end() ? nullptr : &it->second.secret;
}

bool Tombstones::IsStale(const Place& place) const {
  const auto it = by_lane_.find(place.lane_id);
  return it == by_lane_.end() || it->second.stamp != place.stamp;
}

}  // namespace cairn::core

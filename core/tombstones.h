// Tombstones: the secrets of lanes that have left, so that no other process can take their place.
//
// Owner:  Router.
// Thread: the router's.
// Bounds: CoreLimits::max_tombstones; the oldest goes first.
#ifndef CAIRN_CORE_TOMBSTONES_H_
#define CAIRN_CORE_TOMBSTONES_H_

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

namespace cairn::core {

class Tombstones {
 public:
  explicit Tombstones(size_t max) : max_(max) {}

  void Set(uint64_t lane_id, std::string secret) {
    Kept& kept = by_lane_[lane_id];
    kept = {std::move(secret), ++last_stamp_};
    order_.push_back({lane_id, kept.stamp});
    for (; by_lane_.size() > max_; order_.pop_front()) {
      if (!IsStale(order_.front())) by_lane_.erase(order_.front().lane_id);
    }
    if (order_.size() > 2 * max_)
      std::erase_if(order_, [this](const Place& place) { return IsStale(place); });
  }
  // Null when it is unknown.
  const std::string* Find(uint64_t lane_id) const {
    const auto it = by_lane_.find(lane_id);
    return it == by_lane_.end() ? nullptr : &it->second.secret;
  }
  size_t size() const { return by_lane_.size(); }

 private:
  const size_t max_;
  struct Kept {
    std::string secret;
    uint64_t stamp = 0;
  };
  struct Place {
    uint64_t lane_id;
    uint64_t stamp;
  };
  // The lane was given up again.
  bool IsStale(const Place& place) const {
    const auto it = by_lane_.find(place.lane_id);
    return it == by_lane_.end() || it->second.stamp != place.stamp;
  }

  uint64_t last_stamp_ = 0;
  absl::flat_hash_map<uint64_t, Kept> by_lane_;
  std::deque<Place> order_;  // oldest first; stale entries have a newer one
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_TOMBSTONES_H_

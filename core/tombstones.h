// Tombstones: of lanes that are gone, up to which number the core has routed their relays.
//
// A lane that reconnects is told, so that it resends what the core has not routed and nothing else.
//
// Owner:  Router.
// Thread: the router's.
// Bounds: CoreLimits::max_tombstones; the oldest goes first.
#ifndef CAIRN_CORE_TOMBSTONES_H_
#define CAIRN_CORE_TOMBSTONES_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace cairn::core {

class Tombstones {
 public:
  struct Tombstone {
    std::string secret;
    uint64_t link = 0;  // the lane's last
    uint64_t routed = 0;
  };

  explicit Tombstones(size_t max) : max_(max) {}

  void Set(uint64_t lane_id, Tombstone tombstone) {
    order_.push_back({lane_id, tombstone.link});
    by_lane_.insert_or_assign(lane_id, std::move(tombstone));
    while (by_lane_.size() > max_ || order_.size() > 2 * max_) {
      const auto oldest = by_lane_.find(order_.front().lane_id);
      const bool stale = oldest == by_lane_.end() || oldest->second.link != order_.front().link;
      if (!stale) by_lane_.erase(oldest);
      order_.pop_front();
    }
  }
  // Null when it is unknown.
  const Tombstone* Find(uint64_t lane_id) const {
    const auto it = by_lane_.find(lane_id);
    return it == by_lane_.end() ? nullptr : &it->second;
  }
  size_t size() const { return by_lane_.size(); }

 private:
  const size_t max_;
  struct Place {
    uint64_t lane_id;
    uint64_t link;
  };
  absl::flat_hash_map<uint64_t, Tombstone> by_lane_;
  std::deque<Place> order_;  // oldest first; stale where the lane has a newer one
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_TOMBSTONES_H_

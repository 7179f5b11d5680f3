// Tombstones: the secrets of lanes that have left, so that no other process can take their place.
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
#include <string>

namespace cairn::core {

class Tombstones {
 public:
  explicit Tombstones(size_t max);

  void Set(uint64_t lane_id, std::string secret);
  // Null when it is unknown.
  const std::string* Find(uint64_t lane_id) const;
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
  bool IsStale(const Place& place) const;

  uint64_t last_stamp_ = 0;
  absl::flat_hash_map<uint64_t, Kept> by_lane_;
  std::deque<Place> order_;  // oldest first; stale entries have a newer one
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_TOMBSTONES_H_

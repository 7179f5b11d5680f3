// LateLanes: the lanes for which a restarted core stopped holding relays, and the relays that it
// has routed without them.
//
//   none ──the hold ends without some lanes──▶ keeping ──all have finished, or time is up──▶ none
//
// A lane that finishes its snapshot in time gets the kept relays that are for it, before anything
// newer: if a link is down for seconds while the core is replaced, its clients lose nothing, and
// other clients wait only briefly.
//
// Owner:  Router.
// Thread: the router's. Time is handed in, steady.
// Bounds: CoreLimits::max_late_bytes of kept relays, link::kReturnLimit since the first lane reconnected.
#ifndef CAIRN_CORE_LATE_LANES_H_
#define CAIRN_CORE_LATE_LANES_H_

#include <absl/container/flat_hash_set.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <deque>

#include "signaling/v1/lane.pb.h"

namespace cairn::core {

class LateLanes {
 public:
  struct Kept {
    uint64_t origin_lane;
    uint64_t origin_link;
    signaling::v1::LaneEvent event;
  };

  explicit LateLanes(size_t max_cost);

  // In addition to those that are there already.
  void Begin(const absl::flat_hash_set<uint64_t>& lanes, absl::Duration until);
  bool keeping() const { return !lanes_.empty(); }
  bool Contains(uint64_t lane_id) const;
  const auto& lanes() const { return lanes_; }

  // Copies a relay that is about to be routed. REQUIRES: keeping().
  void Keep(uint64_t origin_lane, uint64_t origin_link, const signaling::v1::LaneEvent& event);
  // The kept relays, in the order in which they were routed.
  const std::deque<Kept>& kept() const { return kept_; }
  size_t cost() const { return cost_; }

  // The lane has received what was kept, or has left.
  void Finish(uint64_t lane_id);
  bool over(absl::Duration now) const { return now >= until_ || cost_ > max_cost_; }
  // Gives up the remaining lanes and returns them: they must be told.
  absl::flat_hash_set<uint64_t> GiveUp();
  // Takes what was kept first, once no lane waits for it. REQUIRES: !kept().empty().
  Kept TakeFirst();

 private:
  const size_t max_cost_;
  absl::flat_hash_set<uint64_t> lanes_;
  absl::Duration until_;
  std::deque<Kept> kept_;
  size_t cost_ = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LATE_LANES_H_

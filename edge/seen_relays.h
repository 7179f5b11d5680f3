// SeenRelays: the last relay that a lane has received from every other lane, so that a resent one
// is dropped.
//
// An origin's relays arrive in ascending order of their numbers (docs/RELAYS.md, invariant R3), so
// one number per origin is enough.
//
// Owner:  Lane.
// Thread: its loop.
// Bounds: one entry for each lane of the roster, and kMaxAbsent for lanes that left it, including
//         lanes that were only briefly in it. The latter are removed after link::kSeenKept, or the
//         oldest one when there are too many.
#ifndef CAIRN_EDGE_SEEN_RELAYS_H_
#define CAIRN_EDGE_SEEN_RELAYS_H_

#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <deque>

#include "signaling/v1/lane.pb.h"

namespace cairn::edge {

class SeenRelays {
 public:
  static constexpr size_t kMaxAbsent = 16'384;

  // False when this relay of the origin, or a later one, was received before.
  bool Take(uint64_t origin_lane, uint64_t seq) {
    if (!last_ || last_origin_ != origin_lane) {
      last_ = &seen_[origin_lane].seq;
      last_origin_ = origin_lane;
    }
    if (seq <= *last_) return false;
    *last_ = seq;
    return true;
  }
  // Origins that are not in the roster are removed after a while.
  void OnRoster(const signaling::v1::Roster& roster, absl::Duration now);
  void Prune(absl::Duration now);
  size_t size() const { return seen_.size(); }

 private:
  struct Seen {
    uint64_t seq = 0;
    absl::Duration absent_since = absl::InfiniteDuration();  // infinite: in the roster
  };
  struct Absent {
    absl::Duration since;
    uint64_t origin_lane;
  };

  // The origin is in the roster again, or has left it at another time, or was removed.
  bool IsStale(const Absent& absent) const;

  absl::flat_hash_map<uint64_t, Seen> seen_;
  // The number in the entry that was found last, or null: relays of an origin often follow each
  // other. Any other insertion, and every removal, makes it invalid.
  uint64_t* last_ = nullptr;
  uint64_t last_origin_ = 0;
  std::deque<Absent> absent_;  // oldest first; some are stale
  size_t absent_count_ = 0;    // those that are not stale
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_SEEN_RELAYS_H_

// ReturnHold: after a restart of the core, holds relays until the lanes that were connected before
// have reconnected.
//
//   idle ──Hello of a lane that knew another core──▶ holding ──none is waited for──▶ over
//     └───── Hello of another lane, kStartHold after the start ───────────────────────▲
//
// A lane that reconnects names the lanes that it knew. Without the hold, a relay of the first lane
// to reconnect would miss all clients whose edge reconnects later. A lane is waited for while it
// makes progress: until link::kReturnPatience after its last progress, and for link::kReturnLimit
// in total.
//
// Owner:  Router.
// Thread: the router's. Time is passed in, steady.
// Bounds: the lanes waited for are those of the rosters. The cost of held relays is
//         CoreLimits::max_held_bytes_per_lane: above it the router does not read the lane.
#ifndef CAIRN_CORE_RETURN_HOLD_H_
#define CAIRN_CORE_RETURN_HOLD_H_

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <deque>

#include "signaling/v1/lane.pb.h"

namespace cairn::core {

class ReturnHold {
 public:
  struct Held {
    uint64_t lane_id;
    size_t cost;
    signaling::v1::LaneEvent event;
  };

  explicit ReturnHold(absl::Duration now);

  // A lane has begun a link. `knew_core`: it had a link with another core before.
  void OnHello(const signaling::v1::Hello& hello, bool knew_core, absl::Duration now);
  // The lane has sent another message of its snapshot.
  void OnProgress(uint64_t lane_id, absl::Duration now);
  // The lane has sent its whole snapshot: it is not waited for any longer.
  void OnFinished(uint64_t lane_id);
  // The lane has left or was given up.
  void OnGone(uint64_t lane_id);

  // Starts a new hold, for a lane that knew another core and connects before any relay was routed.
  void Reopen() {
    over_ = false;
    first_hello_ = absl::InfiniteDuration();
  }
  // Whether new relays are held. Once false, it stays false until Reopen() is called.
  bool holding() const { return !over_; }
  // The hold has ended, but not all held relays have been routed: newer ones wait for them.
  bool releasing() const { return over_ && !held_.empty(); }
  // Whether the hold waits for this lane.
  bool awaits(uint64_t lane_id) const;
  // Whether a lane knew an earlier core, so that a lane that connects after the hold is late.
  bool restarted() const { return restarted_; }
  // Stops waiting for lanes without progress. True when that ended the hold: the caller routes what
  // is held.
  bool End(absl::Duration now);

  // The core was stopped for a while and could not receive anything: the patience with every lane
  // starts anew.
  void Excuse(absl::Duration now);

  void Add(uint64_t lane_id, signaling::v1::LaneEvent& event);
  // Drops what is held of the lane, which will resend it.
  void Forget(uint64_t lane_id);
  // The cost of what is held of the lane.
  size_t cost(uint64_t lane_id) const;
  size_t cost() const { return cost_; }
  // Takes what was held first. REQUIRES: releasing().
  Held TakeFirst();
  // The lanes that are waited for.
  const auto& awaited() const { return awaited_; }
  // After the hold: the lanes that had not finished, and the time at which they are late.
  absl::flat_hash_set<uint64_t> TakeUnfinished();
  absl::Duration limit() const;

 private:
  struct Awaited {
    absl::Duration progress;  // the time of its last progress
  };

  const absl::Duration started_;
  bool heard_ = false;                                     // some lane has said Hello
  absl::Duration first_hello_ = absl::InfiniteDuration();  // of a lane that knew an earlier core
  bool restarted_ = false;
  bool knows_roster_ = false;  // a complete one of an earlier core
  bool over_ = false;
  absl::flat_hash_map<uint64_t, Awaited> awaited_;
  absl::flat_hash_set<uint64_t> unfinished_;  // were awaited until the patience was over
  absl::flat_hash_set<uint64_t> connected_;
  std::deque<Held> held_;
  absl::flat_hash_map<uint64_t, size_t> cost_by_lane_;
  size_t cost_ = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_RETURN_HOLD_H_

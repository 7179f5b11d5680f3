// ReturnHold: after a restart of the core, relays wait until the lanes that were there before are
// back.
//
//   idle ──Hello of a lane that knew another core──▶ holding ──none is waited for──▶ over
//     └───── Hello of another lane, kStartHold after the start ───────────────────────▲
//
// A lane that reconnects says which lanes it knew. Without the hold, a relay of the first to
// reconnect would miss everybody whose edge reconnected second. A lane is waited for while it makes
// progress: at most link::kReturnPatience since it last did, and link::kReturnLimit in all.
//
// Owner:  Router.
// Thread: the router's. Time is handed in, steady.
// Bounds: lanes that are waited for: those of the rosters. Cost of what is held: CoreLimits::max_held_bytes_per_lane, which
//         the router keeps by not reading a lane above it.
#ifndef CAIRN_CORE_RETURN_HOLD_H_
#define CAIRN_CORE_RETURN_HOLD_H_

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "signaling/v1/lane.pb.h"

namespace cairn::core {

class ReturnHold {
 public:
  struct Held {
    uint64_t lane_id;
    signaling::v1::LaneEvent event;
  };

  explicit ReturnHold(absl::Duration now);

  // A lane has begun a link. `knew_core`: it has had one with another core.
  void OnHello(const signaling::v1::Hello& hello, bool knew_core, absl::Duration now);
  // The lane has told another piece of its snapshot.
  void OnProgress(uint64_t lane_id, absl::Duration now);
  // The lane has told everything: it is not waited for.
  void OnFinished(uint64_t lane_id) {
    awaited_.erase(lane_id);
    unfinished_.erase(lane_id);
  }
  // The lane is gone.
  void OnGone(uint64_t lane_id) {
    OnFinished(lane_id);
    known_.erase(lane_id);
  }

  // Begins again, for a lane that knew another core and comes before any relay was routed.
  void Reopen() {
    over_ = false;
    first_hello_ = absl::InfiniteDuration();
  }
  // Whether relays are held now. Once false, false for ever unless Reopen() is called.
  bool holding() const { return !over_; }
  // Whether a lane that begins a link now has been waited for.
  bool awaits(uint64_t lane_id) const { return awaited_.contains(lane_id); }
  // Whether a lane knew an earlier core, so that a lane that comes after the hold is late.
  bool restarted() const { return restarted_; }
  // Stops waiting for lanes without progress; true when that ended the hold: the caller releases
  // what is held.
  bool End(absl::Duration now);

  // The core was stopped for a while, and could not hear anybody: all have their patience from now
  // on.
  void Excuse(absl::Duration now);

  void Add(uint64_t lane_id, signaling::v1::LaneEvent& event);
  // What is held of the lane, which will tell it again.
  void Forget(uint64_t lane_id);
  // Of what is held of the lane.
  size_t cost(uint64_t lane_id) const;
  size_t cost() const { return cost_; }
  // In the order in which it was held. Then there is nothing.
  std::deque<Held> Release();
  // Of the lanes that are here, those that a core between theirs and this one has not waited for,
  // or has given up: they have missed what it routed. Each once, or not at all if OnTold() was
  // called.
  absl::flat_hash_set<uint64_t> TakePassedOver();
  void OnTold(uint64_t lane_id) { known_[lane_id].knew_core = false; }
  // Lanes that are waited for.
  const auto& awaited() const { return awaited_; }
  // Once over: the lanes that had not finished, and when they are late.
  absl::flat_hash_set<uint64_t> TakeUnfinished() { return std::exchange(unfinished_, {}); }
  absl::Duration limit() const;

 private:
  struct Awaited {
    absl::Duration progress;  // its last
  };

  // Of earlier cores; more are not looked at.
  static constexpr size_t kMaxRosters = 16;

  const absl::Duration started_;
  bool heard_ = false;                                     // some lane has said Hello
  absl::Duration first_hello_ = absl::InfiniteDuration();  // of a lane that knew an earlier core
  bool restarted_ = false;
  bool over_ = false;
  absl::flat_hash_map<uint64_t, Awaited> awaited_;
  absl::flat_hash_set<uint64_t> unfinished_;  // were awaited until the patience was over
  struct Roster {
    signaling::v1::RosterStamp stamp;
    absl::flat_hash_map<uint64_t, uint64_t> links;  // by lane; 0: unknown
  };
  // What lanes said in their Hello.
  struct Said {
    bool knew_core;  // and has not been told that it was passed over
    uint64_t core_id;
    uint64_t link;
    signaling::v1::RosterStamp told;
  };
  void AddRoster(const signaling::v1::Roster& roster);
  bool IsPassedOver(uint64_t lane_id, const Said& said) const;

  absl::flat_hash_map<uint64_t, Said> known_;
  absl::flat_hash_map<uint64_t, Roster> rosters_;  // by core: its latest that is complete
  std::deque<Held> held_;
  absl::flat_hash_map<uint64_t, size_t> cost_by_lane_;
  size_t cost_ = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_RETURN_HOLD_H_

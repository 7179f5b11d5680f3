// Recovery: what a restarted core does until the lanes of its predecessor have reconnected. It
// holds or keeps relays for them, and tells lanes that they have missed relays. It sends every lane
// the roster, so that the next core can do the same (docs/RELAYS.md, After a restart of the core).
//
// Owner:  Router.
// Thread: the router's.
// Bounds: those of ReturnHold, LateLanes and PassedOver.
#ifndef CAIRN_CORE_RECOVERY_H_
#define CAIRN_CORE_RECOVERY_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "core/directory.h"
#include "core/edge_sink.h"
#include "core/lane_output.h"
#include "core/late_lanes.h"
#include "core/limits.h"
#include "core/mesh.h"
#include "core/passed_over.h"
#include "core/return_hold.h"
#include "core/router_counters.h"
#include "core/turn.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::core {

class Recovery {
 public:
  using Outcome = signaling::v1::Welcome::Outcome;

  // All must outlive this. `mesh` is null in a core that is alone.
  Recovery(uint64_t core_id, const CoreLimits& limits, const Turn& turn, Directory& directory,
           LaneOutput& output, RouterCounters& counters, const std::unique_ptr<Mesh>& mesh);

  // ---- lanes
  // A lane begins a link; it is not in the directory yet. Removes what is out of date from the
  // Hello. Returns how the link begins.
  Outcome OnHello(signaling::v1::Hello& hello);
  // It is in the directory now, with its channel.
  void OnLaneAdded(LaneRecord& lane, Outcome outcome);
  // Its snapshot has come.
  void OnSnapshotEnd(LaneRecord& lane);
  // The lane, which was late and has sent its snapshot, got all that was kept for it.
  void OnCaughtUp(LaneRecord& lane);
  // The lane has acknowledged the message.
  void OnAcknowledged(LaneRecord& lane, const signaling::v1::CoreToLane& message);
  // The lane has left: its snapshot is not waited for.
  void StopAwaiting(uint64_t lane_id);
  // The lane has sent its snapshot to another core. True if relays that were kept for it here are
  // lost to it.
  bool OnLaneElsewhere(uint64_t lane_id);
  // The lane is about to be removed from the directory.
  void Forget(LaneRecord& lane);
  // The peers of the lane have missed relays.
  void TellMissed(uint64_t lane_id);

  // ---- relays
  // Whether new relays of the lane are held. Lanes of this process did not experience a restart:
  // they wait only if other lanes have.
  bool IsHeld(const LaneRecord& lane) const {
    return hold_.holding() && (lane.channel || hold_.restarted());
  }
  // Whether relays wait that are older than every event that has not been handled: held ones, or
  // those kept for lanes that catch up.
  bool has_older() const { return hold_.releasing() || !catching_up_.empty(); }
  bool catching_up() const { return !catching_up_.empty(); }
  LaneRecord& FirstCatchingUp() { return *catching_up_.front(); }
  // Whether kept relays can be settled: no lane waits for them any longer.
  bool settles_kept() const { return !late_.keeping() && !late_.kept().empty(); }

  // ---- time
  // Ends the hold if no lane is waited for any longer.
  void EndHoldWhenDue();
  // The lanes that are still late when the time is up have missed what was routed without them.
  void GiveUpLateWhenDue();

  // ---- batches
  // The lane's batch has been handled: the lane may pass in another, unless too much of it is held.
  void GiveBack(LaneRecord& lane, LaneEndpoint& endpoint, signaling::v1::LaneToCore& batch);
  // Those that were withheld, once nothing is held.
  void GiveBackWithheld();

  // ---- the roster: the lanes that are connected or awaited
  uint64_t roster_version() const { return roster_version_; }
  void AddRoster(LaneRecord& lane);

  ReturnHold& hold() { return hold_; }
  const ReturnHold& hold() const { return hold_; }
  LateLanes& late() { return late_; }
  const LateLanes& late() const { return late_; }
  const PassedOver::CoreIds& earlier_cores() const { return passed_over_.earlier(); }

 private:
  // Whether the lane has been at another core that this one knows nothing of.
  bool KnewAnother(const signaling::v1::Hello& hello) const;
  void FinishLanesElsewhere(const signaling::v1::Roster& roster);
  void FinishLate(uint64_t lane_id);
  // No relays are kept any longer: the roster is complete.
  void EndLate();
  void TellPassedOver();

  const uint64_t core_id_;
  // Borrowed; must outlive this.
  const CoreLimits& limits_;
  const Turn& turn_;
  Directory& directory_;
  LaneOutput& output_;
  RouterCounters& counters_;
  const std::unique_ptr<Mesh>& mesh_;
  // Router thread only.
  ReturnHold hold_;
  PassedOver passed_over_;
  LateLanes late_;
  std::vector<LaneRecord*> catching_up_;  // late lanes that have sent their snapshot
  bool withholds_ = false;                // batches: LaneRecord::withheld
  uint64_t roster_version_ = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_RECOVERY_H_

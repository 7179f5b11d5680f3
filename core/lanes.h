// Lanes: the lanes of a core, from a lane's first stream to its end. A lane connects, breaks,
// continues its link on another stream, and ends for one reason (LaneEnd): it leaves, moves to
// another core, or is given up.
//
// Owner:  Router.
// Thread: the router's.
// Bounds: CoreLimits::max_lanes, max_lanes_per_edge; max_tombstones secrets of lanes that were given
//         up; max_queued_bytes_of_lanes for what lanes have not acknowledged.
// Errors: a stream that is refused is closed with a status that says why.
#ifndef CAIRN_CORE_LANES_H_
#define CAIRN_CORE_LANES_H_

#include <absl/status/status.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch_turns.h"
#include "core/directory.h"
#include "core/edge_sink.h"
#include "core/lane_end.h"
#include "core/lane_output.h"
#include "core/limits.h"
#include "core/mesh.h"
#include "core/presence.h"
#include "core/query_answers.h"
#include "core/recovery.h"
#include "core/refusals.h"
#include "core/relay_ledger.h"
#include "core/relays.h"
#include "core/router_counters.h"
#include "core/router_input.h"
#include "core/tombstones.h"
#include "core/turn.h"

namespace cairn::core {

class Lanes {
 public:
  // The parts of the router that a lane is entered in. All must outlive this.
  struct Parts {
    const Turn& turn;
    Directory& directory;
    LaneOutput& output;
    QueryAnswers& answers;
    BatchTurns& batches;
    Presence& presence;
    Recovery& recovery;
    Relays& relays;
    Refusals& refusals;
    RouterCounters& counters;
    const std::unique_ptr<Mesh>& mesh;  // null in a core that is alone
  };

  Lanes(uint64_t core_id, const CoreLimits& limits, const Parts& parts);

  // Lanes are told the name of the fleet that the core is one of.
  void SetFleet(std::string fleet) { fleet_ = std::move(fleet); }

  // ---- streams
  void Open(DirectOpened& opened);
  void Open(LaneOpened& opened);
  // The lane's endpoint has ended, and its batches have been handled as far as they can be.
  void OnClosed(LaneRecord& lane, const LaneEndpoint& endpoint);

  // ---- the end of a lane
  // Remembers its secret, because it may reconnect, and logs what was lost.
  void GiveUp(LaneRecord& lane, LaneEnd reason);
  // `excused`: the core could not receive anything from them.
  void GiveUpOverdue(bool excused);
  // CoreLimits::max_queued_bytes_of_lanes.
  void LimitQueues();
  // A delivery that a lane of this core has not acknowledged.
  struct Unanswered {
    RelayLedger::Owed owed;
    signaling::v1::Delivery delivery;
  };
  // The lane is at another core: removes it without notices that its peers left. Returns what it
  // has not acknowledged, oldest first. A last entry with lane 0 means that it has not acknowledged
  // being told that it missed relays either.
  std::vector<Unanswered> MoveAway(LaneRecord& lane);

  // ---- an operator's order
  // While it drains, the core takes no lanes, and those that it has must go to other cores. Lanes
  // of this process stay. Returns how many had to go. While no other core takes lanes, this one
  // does: the last core of a fleet must not refuse them.
  uint32_t SetDraining(bool draining);
  // Sends away what has come meanwhile, once another core has taken lanes for a while.
  void DrainOn();
  bool draining() const { return draining_; }
  // Whether it drains, and lanes have another core to go to.
  bool SendsAway() const { return draining_ && (!mesh_ || mesh_->OthersTakeLanes()); }
  // Why no lane of an edge could open now, in a word or three; empty: one could.
  std::string_view TakesNoneBecause() const {
    if (SendsAway()) return "draining";
    return mesh_ && !mesh_->ready() ? "joining the fleet" : "";
  }

 private:
  // Not OK: the lane may not come, and its stream is to be closed with that.
  absl::Status Admit(const LaneOpened& opened);
  // Continues the lane's link. False when the lane and the core disagree about it.
  bool Resume(LaneRecord& lane, LaneOpened& opened);
  LaneRecord& Begin(LaneOpened& opened, signaling::v1::Welcome& welcome);
  void SendWelcome(LaneRecord& lane, signaling::v1::CoreToLane& answer);
  // Closes its peers, settles what was owed to it, and forgets it.
  void Close(LaneRecord& lane, bool given_up);
  void Remove(LaneRecord& lane);
  void Bury(const LaneRecord& lane);
  void DetachStream(LaneRecord& lane, const absl::Status& status);
  uint32_t SendAllAway();

  const uint64_t core_id_;
  // Borrowed; must outlive this.
  const CoreLimits& limits_;
  const Turn& turn_;
  Directory& directory_;
  LaneOutput& output_;
  QueryAnswers& answers_;
  BatchTurns& batches_;
  Presence& presence_;
  Recovery& recovery_;
  Relays& relays_;
  Refusals& refusals_;
  RouterCounters& counters_;
  const std::unique_ptr<Mesh>& mesh_;
  // Router thread only.
  std::string fleet_;
  Tombstones tombstones_;
  uint64_t last_link_ = 0;  // numbers of links
  bool draining_ = false;
  std::optional<absl::Duration> alone_at_;  // it drains, and no other core took lanes then
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LANES_H_

// Router: hands every input to the part that handles it, in turns, and sends what the parts have
// gathered for lanes: Lanes (streams), Presence (peers), Relays, PublishedRecords, Recovery (after
// a restart).
//
// A state machine with a single writer and without a clock, thread or randomness of its own: the
// same inputs at the same times give the same outputs. docs/RELAYS.md has the rules of links and
// relays.
//
// Owner:  Core.
// Thread: the one that holds the combiner in front of it.
// Bounds: CoreLimits, and those of its parts. One input causes CoreLimits::work_per_turn; the rest
//         of its work waits for the next turns (router_turns.cc).
// Errors: an invalid event of a lane (of a peer that it never opened) is ignored and counted. A
//         lane that cannot be served any longer is given up, for one LaneEnd.
#ifndef CAIRN_CORE_ROUTER_H_
#define CAIRN_CORE_ROUTER_H_

#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "core/batch_turns.h"
#include "core/directory.h"
#include "core/edge_sink.h"
#include "core/lane_output.h"
#include "core/lanes.h"
#include "core/limits.h"
#include "core/live_feed.h"
#include "core/mesh.h"
#include "core/mesh_bus.h"
#include "core/presence.h"
#include "core/published_records.h"
#include "core/recovery.h"
#include "core/refusals.h"
#include "core/relays.h"
#include "core/router_counters.h"
#include "core/router_input.h"
#include "core/turn.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::core {

class Router {
 public:
  static constexpr int64_t kTickUs = 100'000;
  // A longer time between two ticks means that the process or its machine was stopped.
  static constexpr absl::Duration kLongestTick = absl::Seconds(1);

  // `core_id` is random and not 0. `clock` must outlive the router.
  Router(uint64_t core_id, const CoreLimits& limits, const Clock& clock);
  ~Router();  // in router.cc: every test of the router would compile it

  // Before any input: this core is one of a fleet, whose name its lanes are told. `bus` must
  // outlive the router.
  void JoinMesh(MeshBus& bus, std::string name, std::string version, std::string fleet = "");
  // Before the bus ends: it is not used any more. Relays of other cores are forgotten.
  void LeaveMesh();

  void Handle(RouterInput& input);
  // To be called after each Handle(): whether a Continue must follow, behind all waiting inputs.
  // True once until it has come.
  bool WantsTurn() { return unfinished_ && !std::exchange(turn_wanted_, true); }

  // ---- called inside an AdminCall
  // For commands (core/commands.h): the lane is told once the AdminCall returns.
  LaneOutput& output() { return output_; }
  Lanes& lanes() { return lanes_; }
  const Lanes& lanes() const { return lanes_; }
  LiveFeed& feed() { return feed_; }
  Refusals& refusals() { return refusals_; }

  Directory& directory() { return directory_; }
  const Directory& directory() const { return directory_; }
  // Null without a mesh.
  Mesh* mesh() const { return mesh_.get(); }
  const RouterCounters& counters() const { return counters_; }
  const RecordStore& records() const { return records_.store(); }
  const Recovery& recovery() const { return recovery_; }
  const ReturnHold& hold() const { return recovery_.hold(); }
  const LateLanes& late() const { return recovery_.late(); }
  size_t held_queries() const { return records_.answers().held(); }
  uint64_t core_id() const { return core_id_; }
  int64_t started_us() const { return started_us_; }
  // When the current input came.
  const Turn& turn() const { return turn_; }
  double relays_per_second() const { return relays_.PerSecond(); }

 private:
  void Dispatch(RouterInput& input);
  void OnBatch(LaneBatch& input);
  void OnClosed(LaneClosed& closed);
  void OnTick();

  // ---- events of a lane
  void OnEvent(LaneRecord& lane, signaling::v1::LaneEvent& event);
  // As OnEvent(), for a lane with a link. False: the lane was given up.
  bool OnEventOfLink(LaneRecord& lane, signaling::v1::LaneEvent& event);
  void OnPeerEvent(LaneRecord& lane, signaling::v1::LaneEvent& event);
  void Publish(uint64_t lane_id, LaneRecord* lane, signaling::v1::LaneEvent& event);

  // ---- turns (router_turns.cc)
  enum class BatchState : uint8_t { kDone, kHasMore, kLaneGone };
  // Handles the events of the batch from `next` on, as far as the turn allows, or until one of them
  // gets the lane given up.
  BatchState HandleEvents(LaneRecord& lane, signaling::v1::LaneToCore& batch, int& next);
  // Handles the first of the lane's unfinished batches, as HandleEvents().
  BatchState HandleFirstBatch(LaneRecord& lane);
  // Handles the rest of batches, round-robin by lane.
  void GoOn();
  // Handles all batches of the lane; of one with a link only if nothing older waits. False: the
  // lane was given up.
  bool FinishBatches(LaneRecord& lane);
  // Routes relays that are older than every event that has not been handled, delivers to a late
  // lane what was routed without it, and settles what no late lane waits for: each as far as the
  // turn allows.
  void RouteOlder();
  void CatchUp(LaneRecord& lane);
  void SettleKept();
  bool has_work_left() const { return turn_.work < limits_.work_per_turn; }

  // ---- output
  void SendGathered();
  void Send(LaneRecord& lane);

  // Immutable after construction.
  const uint64_t core_id_;
  const CoreLimits limits_;
  const Clock& clock_;
  Turn turn_;
  const int64_t started_us_;
  // What the parts share.
  Directory directory_;
  LiveFeed feed_;
  LaneOutput output_;
  RouterCounters counters_;
  std::unique_ptr<Mesh> mesh_;  // null: there is no other core
  // The parts.
  Refusals refusals_;
  PublishedRecords records_;
  BatchTurns batches_;
  Recovery recovery_;
  Presence presence_;
  Relays relays_;
  Lanes lanes_;
  // The current input.
  bool routed_older_ = false;
  bool ticking_ = false;       // it is a tick: settled relays are told
  bool unfinished_ = false;    // it leaves work for a Continue
  bool turn_wanted_ = false;   // which has been requested
  absl::Duration wall_ahead_;  // of the steady clock, at the last tick
  absl::Duration last_tick_;
  bool stopping_ = false;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_ROUTER_H_

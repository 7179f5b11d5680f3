// CoreSnapshot: the counters and state of a core, for metrics.
//
// Thread: any; a copy.
#ifndef CAIRN_CORE_CORE_SNAPSHOT_H_
#define CAIRN_CORE_CORE_SNAPSHOT_H_

#include <absl/time/time.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/histogram.h"
#include "core/core.h"
#include "core/lane_end.h"
#include "core/lane_refusal.h"
#include "core/mesh_counters.h"
#include "core/record_store.h"

namespace cairn::core {

// A core's part in its fleet.
struct MeshSnapshot {
  bool ready = false;        // lanes may come
  uint64_t cores = 0;        // others that it knows
  uint64_t whole_cores = 0;  // of those, the ones that have told all their subscriptions
  absl::Duration silence;    // the longest, of one of those
  uint64_t interest = 0;     // subscriptions of the fleet
  // What other cores have not acknowledged, and relays that they have not settled.
  uint64_t backlog_bytes = 0;
  uint64_t open_relays = 0;
  uint64_t resends = 0;
  MeshCounters counters;
};

struct CoreSnapshot {
  uint64_t peers = 0;
  uint64_t topics = 0;
  uint64_t subscriptions = 0;
  uint64_t lanes = 0;  // with a stream
  uint64_t edges = 0;  // with such a lane
  uint64_t absent_lanes = 0;
  // The cost of what lanes have not acknowledged: the sum, and the maximum of one lane.
  uint64_t kept_bytes = 0;
  uint64_t max_kept_bytes = 0;
  // The cost of relays that wait for lanes to reconnect.
  uint64_t held_bytes = 0;  // with late_bytes
  uint64_t late_bytes = 0;
  uint64_t lanes_awaited = 0;
  uint64_t peers_opened = 0;
  uint64_t peers_closed = 0;
  // As RouterCounters.
  uint64_t relays = 0;
  uint64_t relays_unheard = 0;
  uint64_t deliveries = 0;
  uint64_t events_ignored = 0;
  HistogramValues fan_out;
  uint64_t lanes_late = 0;
  uint64_t lanes_refused = 0;
  std::array<uint64_t, kLaneRefusalCount> refusals = {};
  std::array<uint64_t, kLaneEndCount> lanes_ended = {};
  std::array<uint64_t, kLaneEndCount> deliveries_given_up = {};
  // As RecordStore.
  uint64_t records = 0;
  uint64_t record_bytes = 0;
  uint64_t held_queries = 0;
  std::array<uint64_t, kRecordEndCount> records_ended = {};
  std::optional<MeshSnapshot> mesh;  // absent without a fleet
};

// Inside an AdminCall.
CoreSnapshot SnapshotOf(const Router& router);

// Any thread that may wait, except one that holds the router. Nothing when the router does not get
// to it within `patience`.
std::optional<CoreSnapshot> TakeSnapshot(Core& core, absl::Duration patience);
// Why no lanes may connect; "" if they may. Absent as above.
std::optional<std::string> NoLanesBecause(Core& core, absl::Duration patience);

}  // namespace cairn::core

#endif  // CAIRN_CORE_CORE_SNAPSHOT_H_

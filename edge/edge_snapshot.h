// EdgeSnapshot: the counters and state of an edge, summed over its loops, for metrics and
// readiness.
//
// Thread: any; a copy.
#ifndef CAIRN_EDGE_EDGE_SNAPSHOT_H_
#define CAIRN_EDGE_EDGE_SNAPSHOT_H_

#include <absl/time/time.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/histogram.h"
#include "edge/counters.h"
#include "edge/reasons.h"

namespace cairn::edge {

struct EdgeSnapshot {
  struct Traffic {
    uint64_t messages = 0;
    uint64_t bytes = 0;
  };
  struct LaneState {
    uint32_t index = 0;
    bool connected = false;  // the core answers
    uint64_t backlog_bytes = 0;
  };

  std::vector<LaneState> lanes;
  uint64_t cores = 0;  // in other processes, that lanes are connected to
  // As EdgeCounters.
  uint64_t accepted = 0;
  uint64_t upgraded = 0;
  std::array<Traffic, kMessageFormCount> in;
  std::array<Traffic, kMessageFormCount> out;
  uint64_t frames_delivered = 0;
  uint64_t pings_sent = 0;
  uint64_t rate_pauses = 0;
  uint64_t delivery_pauses = 0;
  HistogramValues relay_latency_us;
  std::array<uint64_t, kCloseReasonCount> closes = {};
  std::array<uint64_t, kCloseReasonCount> refusals = {};
  std::array<uint64_t, kDropReasonCount> drops = {};
  // EdgeGauges of all loops: sums, and for max_* the largest of any loop.
  uint64_t connections = 0;
  uint64_t sessions = 0;
  uint64_t paused = 0;
  uint64_t rate_paused = 0;
  uint64_t queued_bytes = 0;
  uint64_t max_queued_bytes = 0;
  uint64_t unread_bytes = 0;
  uint64_t max_seen_lanes = 0;
  // Events in each message written to the core.
  HistogramValues batch_events;
  std::optional<absl::Time> tls_not_after;  // absent: plaintext

  void Add(const EdgeCounters& counters);
  void Add(const EdgeGauges& gauges);
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_EDGE_SNAPSHOT_H_

// Metrics: the counters and state of this process, as Prometheus text (exposition format 0.0.4).
//
// Pure: the caller collects the figures. Every series is present from the start, at 0, so that a
// rate includes its first event. No label contains a peer, a topic or an address.
// docs/OPERATIONS.md "Metrics" lists every family, and a test compares the two.
#ifndef CAIRN_SERVER_METRICS_H_
#define CAIRN_SERVER_METRICS_H_

#include <optional>
#include <string>

#include "core/connection_refusal.h"
#include "core/core_snapshot.h"
#include "edge/edge_snapshot.h"
#include "server/process_stats.h"

namespace cairn::server {

// A core's connection to the bus of its fleet.
struct BusState {
  bool up = false;
  uint64_t connects = 0;
  uint64_t lost = 0;
};

struct MetricsInput {
  std::string version;
  std::string role;
  bool draining = false;
  ProcessStats process;
  uint64_t log_lines_dropped = 0;
  uint64_t reload_failures = 0;
  std::optional<edge::EdgeSnapshot> edge;  // absent in a process without an edge
  std::optional<core::CoreSnapshot> core;  // absent without a core, or if it never answered
  absl::Duration core_age;                 // of that; 0: it is of now
  std::optional<BusState> bus;             // absent without a fleet
  std::optional<core::ConnectionRefusalValues> refused_connections;  // absent without a core
};

inline constexpr char kMetricsContentType[] = "text/plain; version=0.0.4; charset=utf-8";

std::string RenderMetrics(const MetricsInput& input);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_METRICS_H_

// Metrics: what this process has counted and how it stands, as Prometheus text (exposition format
// 0.0.4).
//
// Pure: gathering is the caller's business. Every series is there from the start, at 0, so that a
// rate over its first event is not lost. No label has a peer, a topic or an address.
// docs/OPERATIONS.md "Metrics" lists every family, and a test compares.
#ifndef CAIRN_SERVER_METRICS_H_
#define CAIRN_SERVER_METRICS_H_

#include <optional>
#include <string>

#include "server/process_stats.h"
#include "core/core_snapshot.h"
#include "edge/edge_snapshot.h"

namespace cairn::server {

struct MetricsInput {
  std::string version;
  std::string role;
  bool draining = false;
  ProcessStats process;
  uint64_t log_lines_dropped = 0;
  uint64_t reload_failures = 0;
  std::optional<edge::EdgeSnapshot> edge;  // where there is an edge
  std::optional<core::CoreSnapshot> core;  // where there is a core, and it answered in time
};

inline constexpr char kMetricsContentType[] = "text/plain; version=0.0.4; charset=utf-8";

std::string RenderMetrics(const MetricsInput& input);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_METRICS_H_

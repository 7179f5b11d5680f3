#include "server/metrics.h"
#include "core/router_counters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cairn::server {
namespace {

using testing::HasSubstr;
using testing::Not;

// As a process has them that has just started.
edge::EdgeSnapshot NewEdge() {
  edge::EdgeSnapshot snapshot;
  snapshot.Add(edge::EdgeCounters());
  snapshot.batch_events.Add(edge::BatchHistogram().Values());
  snapshot.lanes = {{0, true, 0}, {1, false, 77}};
  return snapshot;
}

core::CoreSnapshot NewCore() {
  core::CoreSnapshot snapshot;
  snapshot.fan_out = Histogram<core::kFanOutBounds>().Values();
  return snapshot;
}

MetricsInput Input() {
  MetricsInput input;
  input.version = "1.2.3";
  input.role = "all";
  input.edge = NewEdge();
  input.core = NewCore();
  input.refused_connections.emplace();
  return input;
}

TEST(Metrics, EveryReasonIsThereFromTheStart) {
  const std::string text = RenderMetrics(Input());
  for (size_t i = 0; i < edge::kCloseReasonCount; ++i) {
    const std::string name(Name(static_cast<edge::CloseReason>(i)));
    EXPECT_THAT(text, HasSubstr("cairn_signal_closes_total{reason=\"" + name + "\"} 0\n"));
  }
  for (size_t i = 0; i < edge::kDropReasonCount; ++i) {
    const std::string name(Name(static_cast<edge::DropReason>(i)));
    EXPECT_THAT(text, HasSubstr("cairn_signal_drops_total{reason=\"" + name + "\"} 0\n"));
  }
  for (size_t i = 0; i < core::kRecordEndCount; ++i) {
    const std::string name(Name(static_cast<core::RecordEnd>(i)));
    EXPECT_THAT(text, HasSubstr("cairn_signal_records_ended_total{reason=\"" + name + "\"} 0\n"));
  }
  for (size_t i = 0; i < core::kConnectionRefusalCount; ++i) {
    const std::string name(Name(static_cast<core::ConnectionRefusal>(i)));
    EXPECT_THAT(text, HasSubstr("cairn_signal_grpc_refused_connections_total{reason=\"" + name +
                                "\"} 0\n"));
  }
  for (const char* dialect : {"cbor", "cbor-v2", "json"}) {
    for (const char* direction : {"in", "out"}) {
      const std::string labels =
          std::string("{direction=\"") + direction + "\",dialect=\"" + dialect + "\"} 0\n";
      EXPECT_THAT(text, HasSubstr("cairn_signal_messages_total" + labels));
      EXPECT_THAT(text, HasSubstr("cairn_signal_message_bytes_total" + labels));
    }
  }
}

TEST(Metrics, ALatencyIsInSecondsAndItsBucketsAreCumulative) {
  MetricsInput input = Input();
  edge::EdgeCounters counters;
  counters.relay_latency.Add(50);
  counters.relay_latency.Add(2'000, 3);
  counters.relay_latency.Add(9'000'000);
  input.edge->Add(counters);
  const std::string text = RenderMetrics(input);
  for (const char* line :
       {"_bucket{le=\"5e-05\"} 1\n", "_bucket{le=\"0.001\"} 1\n", "_bucket{le=\"0.0025\"} 4\n",
        "_bucket{le=\"2.5\"} 4\n", "_bucket{le=\"+Inf\"} 5\n", "_count 5\n", "_sum 9.00605\n"}) {
    EXPECT_THAT(text, HasSubstr(std::string("cairn_signal_relay_latency_seconds") + line));
  }
}

TEST(Metrics, AHandshakeEndsWellOrForAReason) {
  MetricsInput input = Input();
  input.edge->upgraded = 4;
  input.edge->refusals[static_cast<size_t>(edge::CloseReason::kUnauthorized)] = 3;
  const std::string text = RenderMetrics(input);
  EXPECT_THAT(text, HasSubstr("cairn_signal_handshakes_total{outcome=\"ok\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("cairn_signal_handshakes_total{outcome=\"unauthorized\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("cairn_signal_handshakes_total{outcome=\"edge_full\"} 0\n"));
}

TEST(Metrics, ALinkIsPerLane) {
  const std::string text = RenderMetrics(Input());
  EXPECT_THAT(text, HasSubstr("cairn_signal_core_link_up{lane=\"0\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cairn_signal_core_link_up{lane=\"1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("cairn_signal_core_link_backlog_bytes{lane=\"1\"} 77\n"));
}

TEST(Metrics, EveryBoundOfLinksHasAGauge) {
  MetricsInput input = Input();
  edge::EdgeGauges one, two;
  one.unread_bytes.Set(100);
  one.seen_lanes.Set(3);
  two.unread_bytes.Set(50);
  two.seen_lanes.Set(2);
  input.edge->Add(one);
  input.edge->Add(two);
  input.core->held_bytes = 900;
  input.core->late_bytes = 400;
  const std::string text = RenderMetrics(input);
  for (const char* line :
       {"core_link_unread_bytes 150\n", "seen_lanes 3\n", "held_bytes 900\n", "late_bytes 400\n"}) {
    EXPECT_THAT(text, HasSubstr(std::string("cairn_signal_") + line));
  }
}

TEST(Metrics, FiguresOfLanesAndConnectionsAreThoseOfTheSnapshots) {
  MetricsInput input = Input();
  edge::EdgeCounters counters;
  counters.pings_sent.Add(7);
  input.edge->Add(counters);
  input.edge->rate_paused = 3;
  input.core->lanes_awaited = 2;
  input.core_age = absl::Milliseconds(2'500);
  input.core->max_kept_bytes = 4096;
  const std::string text = RenderMetrics(input);
  for (const char* line :
       {"pings_sent_total 7\n", "rate_paused_connections 3\n", "awaited_lanes 2\n",
        "core_figures_age_seconds 2.5\n", "lane_queued_bytes_max 4096\n"}) {
    EXPECT_THAT(text, HasSubstr(std::string("cairn_signal_") + line));
  }
}

TEST(Metrics, AFleetHasThoseOfItsOtherCoresAndOfItsBus) {
  MetricsInput input = Input();
  EXPECT_THAT(RenderMetrics(input), Not(HasSubstr("cairn_signal_mesh")));
  core::MeshSnapshot mesh;
  mesh.cores = 2;
  mesh.whole_cores = 1;
  mesh.silence = absl::Milliseconds(1500);
  mesh.interest = 3;
  mesh.backlog_bytes = 4;
  mesh.open_relays = 5;
  mesh.resends = 6;
  mesh.counters.relays_in = 7;
  mesh.counters.relays_out = 8;
  mesh.counters.moved = 9;
  mesh.counters.moved_relays = 10;
  mesh.counters.stale_relays = 11;
  mesh.counters.missed_lanes = 12;
  mesh.counters.members_ended[static_cast<size_t>(core::MeshEnd::kFull)] = 13;
  mesh.counters.relays_given_up[static_cast<size_t>(core::MeshEnd::kTimeout)] = 14;
  input.core->mesh = mesh;
  input.bus = {true, 15, 16};
  const std::string text = RenderMetrics(input);
  for (const char* line :
       {"cairn_signal_mesh_cores 2\n", "cairn_signal_mesh_joining_cores 1\n",
        "cairn_signal_mesh_silence_seconds 1.5\n", "cairn_signal_mesh_subscriptions 3\n",
        "cairn_signal_mesh_backlog_bytes 4\n", "cairn_signal_mesh_open_relays 5\n",
        "cairn_signal_mesh_resends_total 6\n",
        "cairn_signal_mesh_relays_total{direction=\"in\"} 7\n",
        "cairn_signal_mesh_relays_total{direction=\"out\"} 8\n",
        "cairn_signal_mesh_lanes_moved_total 9\n", "cairn_signal_mesh_relays_moved_total 10\n",
        "cairn_signal_mesh_relays_stale_total 11\n", "cairn_signal_mesh_lanes_lost_total 12\n",
        "cairn_signal_mesh_cores_given_up_total{reason=\"core_full\"} 13\n",
        "cairn_signal_mesh_relays_given_up_total{reason=\"core_timeout\"} 14\n",
        "cairn_signal_mesh_up 1\n", "cairn_signal_mesh_connects_total 15\n",
        "cairn_signal_mesh_unsent_total 16\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(Metrics, AProcessHasTheFiguresThatPrometheusExpects) {
  const std::string text = RenderMetrics(Input());
  for (const char* name : {"process_cpu_seconds_total", "process_start_time_seconds",
                           "process_virtual_memory_bytes", "process_open_fds"}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name + " "));
  }
}

TEST(Metrics, ARoleHasThoseOfItsParts) {
  MetricsInput input = Input();
  EXPECT_THAT(RenderMetrics(input),
              HasSubstr("cairn_signal_build_info{version=\"1.2.3\",role=\"all\"} 1\n"));
  input.core.reset();
  EXPECT_THAT(RenderMetrics(input), Not(HasSubstr("cairn_signal_peers ")));
  EXPECT_THAT(RenderMetrics(input), HasSubstr("cairn_signal_connections "));
  input = Input();
  input.edge.reset();
  EXPECT_THAT(RenderMetrics(input), HasSubstr("cairn_signal_peers "));
  EXPECT_THAT(RenderMetrics(input), Not(HasSubstr("cairn_signal_connections ")));
  EXPECT_THAT(RenderMetrics(input), HasSubstr("process_resident_memory_bytes "));
}

TEST(Metrics, ACertificateIsThereWhereThereIsTls) {
  MetricsInput input = Input();
  const std::string name = "cairn_signal_tls_certificate_expiry_timestamp_seconds ";
  EXPECT_THAT(RenderMetrics(input), Not(HasSubstr(name)));
  input.edge->tls_not_after = absl::FromUnixSeconds(1'900'000'000);
  EXPECT_THAT(RenderMetrics(input), HasSubstr(name + "1900000000\n"));
}

}  // namespace
}  // namespace cairn::server

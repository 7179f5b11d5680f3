#include "server/metrics.h"

#include <array>
#include <initializer_list>
#include <utility>
#include <vector>

#include "server/metric_families.h"

namespace cairn::server {
namespace {

constexpr double kSecondsPerUs = 1e-6;

// One series for each enumerator that has a name.
template <typename Enum, size_t kCount>
std::vector<Series> ByName(const char* label, const std::array<uint64_t, kCount>& counts) {
  std::vector<Series> series;
  for (size_t i = 0; i < kCount; ++i) {
    series.push_back(
        {{{label, std::string(Name(static_cast<Enum>(i)))}}, static_cast<double>(counts[i])});
  }
  return series;
}

// Whether a connection can end so before its upgrade is done.
bool CanEndHandshake(edge::CloseReason reason) {
  switch (reason) {
    case edge::CloseReason::kClientGone:
    case edge::CloseReason::kConnectionLost:
    case edge::CloseReason::kBadProxyHeader:
    case edge::CloseReason::kHandshakeTimeout:
    case edge::CloseReason::kTooManyHandshakes:
    case edge::CloseReason::kTlsFailed:
    case edge::CloseReason::kUpgradeRefused:
    case edge::CloseReason::kUnauthorized:
    case edge::CloseReason::kDraining:
    case edge::CloseReason::kEdgeFull:
    case edge::CloseReason::kAddressFull:
      return true;
    case edge::CloseReason::kClientClosed:
    case edge::CloseReason::kProtocolError:
    case edge::CloseReason::kBadUtf8:
    case edge::CloseReason::kTooManyTopics:
    case edge::CloseReason::kTopicTooLong:
    case edge::CloseReason::kOperator:
    case edge::CloseReason::kMessageTooBig:
    case edge::CloseReason::kPongTimeout:
    case edge::CloseReason::kSlowReader:
    case edge::CloseReason::kQueuesFull:
      return false;
  }
  return false;
}

std::vector<Series> Handshakes(const edge::EdgeSnapshot& edge) {
  std::vector<Series> series = {{{{"outcome", "ok"}}, static_cast<double>(edge.upgraded)}};
  for (size_t i = 0; i < edge::kCloseReasonCount; ++i) {
    const auto reason = static_cast<edge::CloseReason>(i);
    if (!CanEndHandshake(reason)) continue;
    series.push_back(
        {{{"outcome", std::string(Name(reason))}}, static_cast<double>(edge.refusals[i])});
  }
  return series;
}

using TrafficField = uint64_t edge::EdgeSnapshot::Traffic::*;

std::vector<Series> TrafficSeries(const edge::EdgeSnapshot& edge, TrafficField field) {
  std::vector<Series> series;
  for (const bool in : {true, false}) {
    for (size_t i = 0; i < edge::kMessageFormCount; ++i) {
      const char* dialect = Name(static_cast<edge::MessageForm>(i));
      series.push_back({{{"direction", in ? "in" : "out"}, {"dialect", dialect}},
                        static_cast<double>((in ? edge.in : edge.out)[i].*field)});
    }
  }
  return series;
}

template <typename Get>
std::vector<Series> ByLane(const edge::EdgeSnapshot& edge, Get get) {
  std::vector<Series> series;
  for (const edge::EdgeSnapshot::LaneState& lane : edge.lanes) {
    series.push_back({{{"lane", std::to_string(lane.index)}}, static_cast<double>(get(lane))});
  }
  return series;
}

void AddClients(const edge::EdgeSnapshot& edge, Families& to) {
  to.Gauge("cairn_signal_connections",
           "Connections of clients, with those in their handshake and those being closed.",
           edge.connections);
  to.Gauge("cairn_signal_sessions", "Connections of clients whose upgrade is done.", edge.sessions);
  to.Counter("cairn_signal_connections_accepted_total", "TCP connections accepted.", edge.accepted);
  to.Counters("cairn_signal_handshakes_total",
              "How TLS and the upgrade ended, or why they were not begun.", Handshakes(edge));
  to.Counters("cairn_signal_closes_total", "Connections that ended, by reason.",
              ByName<edge::CloseReason>("reason", edge.closes));
  to.Gauge("cairn_signal_rate_paused_connections",
           "Connections that are not read because they said too much.", edge.rate_paused);
  to.Counter("cairn_signal_pings_sent_total", "WebSocket pings sent to clients.", edge.pings_sent);
  if (!edge.tls_not_after) return;
  to.Gauge("cairn_signal_tls_certificate_expiry_timestamp_seconds",
           "End of the validity of the certificate that clients are shown, Unix time.",
           absl::ToUnixSeconds(*edge.tls_not_after));
}

void AddTraffic(const edge::EdgeSnapshot& edge, Families& to) {
  to.Counters("cairn_signal_messages_total", "Data messages from and to clients.",
              TrafficSeries(edge, &edge::EdgeSnapshot::Traffic::messages));
  to.Counters("cairn_signal_message_bytes_total",
              "Bytes of those: payloads that came in, frames that went out.",
              TrafficSeries(edge, &edge::EdgeSnapshot::Traffic::bytes));
  to.Counters("cairn_signal_drops_total", "Messages that had no effect, by reason.",
              ByName<edge::DropReason>("reason", edge.drops));
  to.Counter("cairn_signal_relays_delivered_total", "Relays put into clients' queues.",
             edge.frames_delivered);
  to.Histogram("cairn_signal_relay_latency_seconds",
               "From the read of a relay on its edge to the queue of each subscriber.",
               edge.relay_latency_us, kSecondsPerUs);
  to.Counter("cairn_signal_rate_pauses_total",
             "Times that a connection was not read for a while, because it said too much.",
             edge.rate_pauses);
  to.Counter("cairn_signal_delivery_pauses_total",
             "The same, because what it said went to too many.", edge.delivery_pauses);
  to.Gauge("cairn_signal_queued_bytes", "What clients have not taken yet.", edge.queued_bytes);
  to.Gauge("cairn_signal_queued_bytes_max", "The same of the one client with the most.",
           edge.max_queued_bytes);
}

void AddCoreLink(const edge::EdgeSnapshot& edge, Families& to) {
  using LaneState = edge::EdgeSnapshot::LaneState;
  to.Gauges("cairn_signal_core_link_up", "Whether the core answers on the lane.",
            ByLane(edge, [](const LaneState& lane) { return lane.connected ? 1 : 0; }));
  to.Gauges("cairn_signal_core_link_backlog_bytes",
            "What the lane keeps for the core: not taken yet, or not settled.",
            ByLane(edge, [](const LaneState& lane) { return lane.backlog_bytes; }));
  to.Gauge("cairn_signal_core_link_cores",
           "Cores in other processes that lanes are connected to: more than one is a mistake.",
           edge.cores);
  to.Gauge("cairn_signal_core_link_unread_bytes",
           "What the core has sent and loops have not taken yet.", edge.unread_bytes);
  to.Gauge("cairn_signal_seen_lanes",
           "Lanes whose relays are told from those that are resent, of the loop with the most.",
           edge.max_seen_lanes);
  to.Gauge("cairn_signal_paused_connections",
           "Connections that are not read because the core does not keep up.", edge.paused);
  to.Histogram("cairn_signal_core_link_batch_events", "Events in each message written to the core.",
               edge.batch_events, 1);
}

void AddPresence(const core::CoreSnapshot& core, Families& to) {
  to.Gauge("cairn_signal_peers", "Peers that the core knows, on all edges.", core.peers);
  to.Gauge("cairn_signal_topics", "Topics with a subscriber.", core.topics);
  to.Gauge("cairn_signal_subscriptions", "Subscriptions of all peers.", core.subscriptions);
  to.Gauge("cairn_signal_lanes", "Lanes, which are event loops of edges, that are connected.",
           core.lanes);
  to.Gauge("cairn_signal_edges", "Edges that are connected, by their names.", core.edges);
  to.Gauge("cairn_signal_absent_lanes", "Lanes whose stream has broken, which may reconnect.",
           core.absent_lanes);
  to.Gauge("cairn_signal_lane_queued_bytes", "What lanes have not acknowledged.", core.kept_bytes);
  to.Gauge("cairn_signal_lane_queued_bytes_max", "The same of the one lane with the most.",
           core.max_kept_bytes);
  to.Gauge("cairn_signal_held_bytes",
           "Relays that wait, after a restart, for lanes that have not reconnected.",
           core.held_bytes);
  to.Gauge("cairn_signal_late_bytes",
           "Of those, relays that others have got already, for lanes that are late.",
           core.late_bytes);
  to.Gauge("cairn_signal_awaited_lanes", "Those lanes.", core.lanes_awaited);
  to.Counters("cairn_signal_lanes_given_up_total", "Lanes that the core gave up, by reason.",
              ByName<core::LaneEnd>("reason", core.lanes_ended));
  to.Counters("cairn_signal_deliveries_given_up_total",
              "Relays to those lanes that they had not acknowledged, by reason.",
              ByName<core::LaneEnd>("reason", core.deliveries_given_up));
  to.Counter("cairn_signal_lanes_late_total",
             "Lanes that reconnected after a restarted core had stopped waiting for them.",
             core.lanes_late);
  to.Counter("cairn_signal_lanes_refused_total", "Lanes that did not know their own secret.",
             core.lanes_refused);
  to.Counters("cairn_signal_edge_refusals_total", "What edges may not say or do, by reason.",
              ByName<core::LaneRefusal>("reason", core.refusals));
  to.Counter("cairn_signal_peers_opened_total", "Peers that came, or that an edge brought back.",
             core.peers_opened);
  to.Counter("cairn_signal_peers_closed_total", "Peers that went.", core.peers_closed);
}

void AddRouting(const core::CoreSnapshot& core, Families& to) {
  to.Counter("cairn_signal_relays_total", "Relays that came to the core.", core.relays);
  to.Counter("cairn_signal_relays_unheard_total", "Relays that nobody else was subscribed to.",
             core.relays_unheard);
  to.Counter("cairn_signal_deliveries_total", "Relays times lanes that they went to.",
             core.deliveries);
  to.Counter("cairn_signal_events_ignored_total", "What lanes said out of turn.",
             core.events_ignored);
  to.Histogram("cairn_signal_relay_fanout", "Subscribers that each relay went to.", core.fan_out,
               1);
  to.Gauge("cairn_signal_records", "Records that JSON clients published.", core.records);
  to.Gauge("cairn_signal_record_bytes", "Bytes of those.", core.record_bytes);
  to.Counters("cairn_signal_records_ended_total", "Records that had to go, by reason.",
              ByName<core::RecordEnd>("reason", core.records_ended));
  to.Gauge("cairn_signal_held_queries", "Queries that wait for a first record.", core.held_queries);
}

void AddBus(const BusState& bus, Families& to) {
  to.Gauge("cairn_signal_mesh_up", "Whether the core reaches NATS.", bus.up ? 1 : 0);
  to.Counter("cairn_signal_mesh_connects_total", "Connections to NATS that succeeded.",
             bus.connects);
  to.Counter("cairn_signal_mesh_unsent_total",
             "Messages to other cores that were not sent, for want of a connection or of room.",
             bus.lost);
}

void AddMesh(const core::MeshSnapshot& mesh, Families& to) {
  to.Gauge("cairn_signal_mesh_cores", "Other cores of the fleet that this one knows.", mesh.cores);
  to.Gauge("cairn_signal_mesh_joining_cores",
           "Of those, the ones that have not told all their subscriptions yet.",
           mesh.cores - mesh.whole_cores);
  to.Gauge("cairn_signal_mesh_silence_seconds", "Since the core was heard that is silent longest.",
           absl::ToDoubleSeconds(mesh.silence));
  to.Gauge("cairn_signal_mesh_subscriptions", "Subscriptions of the whole fleet.", mesh.interest);
  to.Gauge("cairn_signal_mesh_backlog_bytes", "What other cores have not acknowledged.",
           mesh.backlog_bytes);
  to.Gauge("cairn_signal_mesh_open_relays", "Relays at other cores that are not settled.",
           mesh.open_relays);
  to.Counters("cairn_signal_mesh_relays_total", "Relays to and from other cores.",
              {{{{"direction", "in"}}, static_cast<double>(mesh.counters.relays_in)},
               {{{"direction", "out"}}, static_cast<double>(mesh.counters.relays_out)}});
  to.Counter("cairn_signal_mesh_resends_total",
             "Times that what a core had not acknowledged was sent again.", mesh.resends);
  to.Counter("cairn_signal_mesh_lanes_moved_total", "Lanes that came from another core.",
             mesh.counters.moved);
  to.Counter("cairn_signal_mesh_relays_moved_total", "Relays that followed lanes to other cores.",
             mesh.counters.moved_relays);
  to.Counter("cairn_signal_mesh_relays_stale_total",
             "Relays of lanes that were at another core by then.", mesh.counters.stale_relays);
  to.Counter("cairn_signal_mesh_lanes_lost_total",
             "Lanes of cores that were given up, and that had not moved.",
             mesh.counters.missed_lanes);
  to.Counters("cairn_signal_mesh_cores_given_up_total",
              "Other cores that were given up, by reason.",
              ByName<core::MeshEnd>("reason", mesh.counters.members_ended));
  to.Counters("cairn_signal_mesh_relays_given_up_total",
              "Relays to those that they had not settled, by reason.",
              ByName<core::MeshEnd>("reason", mesh.counters.relays_given_up));
}

// Names as https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics has them.
void AddProcess(const ProcessStats& process, Families& to) {
  to.Counter("process_cpu_seconds_total", "Processor time used, user and system.",
             process.cpu_seconds);
  to.Gauge("process_resident_memory_bytes", "Resident memory.", process.resident_bytes);
  to.Gauge("process_virtual_memory_bytes", "Virtual memory.", process.virtual_bytes);
  to.Gauge("process_open_fds", "Open file descriptors.", process.open_files);
  to.Gauge("process_max_fds", "Limit of open file descriptors.", process.max_open_files);
  to.Gauge("process_threads", "Threads.", process.threads);
  to.Gauge("process_start_time_seconds", "Start of the process, Unix time.",
           process.start_time_seconds);
}

}  // namespace

std::string RenderMetrics(const MetricsInput& input) {
  Families families;
  families.Gauges("cairn_signal_build_info", "1; the labels say what is running.",
                  {{{{"version", input.version}, {"role", input.role}}, 1}});
  families.Gauge("cairn_signal_draining", "Whether the process is on its way out.",
                 input.draining ? 1 : 0);
  if (input.edge) {
    AddClients(*input.edge, families);
    AddTraffic(*input.edge, families);
    AddCoreLink(*input.edge, families);
  }
  if (input.core) {
    families.Gauge("cairn_signal_core_figures_age_seconds",
                   "How old the core's metrics are; above 0 while its router is too busy to say.",
                   absl::ToDoubleSeconds(input.core_age));
    AddPresence(*input.core, families);
    AddRouting(*input.core, families);
    if (input.core->mesh) AddMesh(*input.core->mesh, families);
  }
  if (input.bus) AddBus(*input.bus, families);
  if (input.refused_connections) {
    families.Counters("cairn_signal_grpc_refused_connections_total",
                      "Connections to the gRPC port that ended before a call was allowed, by "
                      "reason.",
                      ByName<core::ConnectionRefusal>("reason", *input.refused_connections));
  }
  families.Counter("cairn_signal_reload_failures_total",
                   "Tokens or certificates that SIGHUP could not read again; the old stay in use.",
                   input.reload_failures);
  families.Counter("cairn_signal_log_lines_dropped_total",
                   "Lines of the log that were dropped because stdout was not read.",
                   input.log_lines_dropped);
  AddProcess(input.process, families);
  return families.Render();
}

}  // namespace cairn::server

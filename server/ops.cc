#include "server/ops.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "core/grpc_server.h"
#include "edge/edge.h"
#include "edge/handover.h"
#include "server/mesh_connection.h"

namespace cairn::server {
namespace {

// How long a scrape waits for the router; scrapers themselves give up after some seconds.
constexpr absl::Duration kCorePatience = absl::Seconds(1);

// Both processes answer, as the kernel chooses: a health check would tell about either.
void WarnOfOthers(const SocketAddress& address) {
  log::Warn(log::Server(), "port_shared",
            {{"listen", address.ToString()},
             {"hint", log::Text("another process answers on --ops-listen-addr too: checks and "
                                "scrapes reach one of the two; stop one, or give each its own")}});
}

}  // namespace

std::string NotReadyBecause(const ReadinessInput& input) {
  if (input.draining) return "draining";
  if (input.has_core && !input.no_lanes_because) return "the router of the core does not answer";
  if (input.has_core && !input.no_lanes_because->empty()) return *input.no_lanes_because;
  if (!input.edge) return "";
  const auto& lanes = input.edge->lanes;
  const auto up =
      std::count_if(lanes.begin(), lanes.end(), [](const auto& lane) { return lane.connected; });
  if (static_cast<size_t>(up) == lanes.size()) return "";
  return absl::StrCat("no core: ", up, " of ", lanes.size(), " lanes are connected");
}

Ops::Ops(std::string version, std::string role, const Clock& clock)
    : version_(std::move(version)), role_(std::move(role)), clock_(clock), incomplete_(clock) {}

absl::StatusOr<std::unique_ptr<Ops>> Ops::Open(const SocketAddress& address, std::string version,
                                               std::string role, const Clock& clock) {
  std::unique_ptr<Ops> ops(new Ops(std::move(version), std::move(role), clock));
  OpsServerOptions options;
  options.address = address;
  const bool shared = address.port() != 0 && edge::Handover::CountListening(address) > 0;
  auto server = OpsServer::Open(options, {{"/healthz", [o = ops.get()] { return o->Health(); }},
                                          {"/readyz", [o = ops.get()] { return o->Readiness(); }},
                                          {"/metrics", [o = ops.get()] { return o->Metrics(); }}});
  if (!server.ok()) return server.status();
  if (shared) WarnOfOthers(address);
  ops->server_ = *std::move(server);
  return ops;
}

void Ops::Start(OpsSubject subject) {
  subject_ = subject;
  if (subject.core) figures_.emplace(*subject.core, clock_);
  server_->Start();
}

OpsAnswer Ops::Health() const {
  OpsAnswer answer;
  answer.body = "ok\n";
  return answer;
}

OpsAnswer Ops::Readiness() const {
  ReadinessInput input;
  input.draining = draining_.load(std::memory_order_relaxed);
  input.edge = EdgeNow();
  input.has_core = subject_.core != nullptr;
  if (subject_.core && !input.draining)
    input.no_lanes_because = core::NoLanesBecause(*subject_.core, kCorePatience);
  const std::string why = NotReadyBecause(input);
  const bool alone = subject_.mesh && !subject_.mesh->up();
  OpsAnswer answer;
  answer.status = why.empty() ? 200 : 503;
  answer.body = !why.empty() ? absl::StrCat(why, "\n")
                : alone      ? "ready, but without NATS: clients of other cores are not reached\n"
                             : "ready\n";
  return answer;
}

OpsAnswer Ops::Metrics() {
  MetricsInput input;
  input.version = version_;
  input.role = role_;
  input.draining = draining_.load(std::memory_order_relaxed);
  input.process = ReadProcessStats();
  input.log_lines_dropped = LogLinesDropped();
  input.reload_failures = reload_failures_.load(std::memory_order_relaxed);
  input.edge = EdgeNow();
  if (figures_) {
    input.core = figures_->Take(kCorePatience);
    input.core_age = figures_->age();
  }
  if (subject_.mesh)
    input.bus = {subject_.mesh->up(), subject_.mesh->connects(), subject_.mesh->lost()};
  if (subject_.core) {
    input.refused_connections =
        subject_.grpc ? subject_.grpc->RefusedConnections() : core::ConnectionRefusalValues();
  }
  if (figures_ && (!input.core || input.core_age > absl::ZeroDuration())) {
    if (const auto suppressed = incomplete_.Admit()) {
      log::Warn(
          log::Server(), "metrics_incomplete",
          {{"suppressed", *suppressed},
           {"hint", log::Text("the core did not answer in time; its metrics are those of its last "
                              "answer, or missing")}});
    }
  }
  OpsAnswer answer;
  answer.content_type = kMetricsContentType;
  answer.body = RenderMetrics(input);
  return answer;
}

std::optional<edge::EdgeSnapshot> Ops::EdgeNow() const {
  if (!subject_.edge) return std::nullopt;
  return subject_.edge->Snapshot();
}

}  // namespace cairn::server

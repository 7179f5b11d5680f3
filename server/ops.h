// Ops: the answers of the ops endpoint: whether this process is alive, whether it is ready, and its
// metrics.
//
// Owner:  Server.
// Thread: the owner's; answers are made on the endpoint's own thread.
// Errors: UNAVAILABLE when the address cannot be listened on.
#ifndef CAIRN_SERVER_OPS_H_
#define CAIRN_SERVER_OPS_H_

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/address.h"
#include "base/clock.h"
#include "base/log_limiter.h"
#include "server/core_figures.h"
#include "server/metrics.h"
#include "server/ops_server.h"

namespace cairn::core {
class Core;
class GrpcServer;
}  // namespace cairn::core
namespace cairn::edge {
class Edge;
}

namespace cairn::server {

class MeshConnection;

// The parts of the process that the endpoint reports on. Must outlive it.
struct OpsSubject {
  const edge::Edge* edge = nullptr;        // null: none in this role
  core::Core* core = nullptr;              // null: none in this role
  const core::GrpcServer* grpc = nullptr;  // null: none in this role, or its address was taken
  const MeshConnection* mesh = nullptr;    // null: the core has no fleet
};

// What decides about readiness.
struct ReadinessInput {
  bool draining = false;
  std::optional<edge::EdgeSnapshot> edge;  // absent in a process without an edge
  bool has_core = false;
  // Of a core: why no lanes may come, or ""; absent: its router does not answer.
  std::optional<std::string> no_lanes_because;
};

// Why a process accepts no clients or lanes, in one line; empty: it is ready. A core that cannot
// reach NATS stays ready: its clients still find each other, and if NATS is away for all cores,
// none of them would be better.
std::string NotReadyBecause(const ReadinessInput& input);

class Ops {
 public:
  // Binds the address, so that the process fails early if it is taken; answers from Start() on.
  static absl::StatusOr<std::unique_ptr<Ops>> Open(const SocketAddress& address,
                                                   std::string version, std::string role,
                                                   const Clock& clock);

  // Called once everything listens.
  void Start(OpsSubject subject);
  // A reload failed: some file could not be read.
  void CountReloadFailure() { reload_failures_.fetch_add(1, std::memory_order_relaxed); }
  void SetDraining() { draining_.store(true, std::memory_order_relaxed); }
  const SocketAddress& address() const { return server_->address(); }

 private:
  Ops(std::string version, std::string role, const Clock& clock);

  OpsAnswer Health() const;
  OpsAnswer Readiness() const;
  OpsAnswer Metrics();
  std::optional<edge::EdgeSnapshot> EdgeNow() const;

  // Immutable after Start().
  const std::string version_;
  const std::string role_;
  const Clock& clock_;  // Borrowed; must outlive this.
  OpsSubject subject_;

  std::atomic<bool> draining_{false};
  std::atomic<uint64_t> reload_failures_{0};
  // The endpoint's thread only.
  LogLimiter incomplete_;
  std::optional<CoreFigures> figures_;
  // Last member: it is destroyed before what its answers use.
  std::unique_ptr<OpsServer> server_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_OPS_H_

// Ops: what the ops endpoint says of this process: alive, ready, and its metrics.
//
// Owner:  Server. Thread: the owner's; answers are given on the endpoint's own thread.
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
#include "server/ops_server.h"
#include "server/metrics.h"

namespace cairn::core {
class Core;
}
namespace cairn::edge {
class Edge;
}

namespace cairn::server {

// What of the process the endpoint looks at. Must outlive it.
struct OpsSubject {
  const edge::Edge* edge = nullptr;  // null: none in this role
  core::Core* core = nullptr;        // null: none in this role
};

// Why a process does not want clients, in one line; empty: it is ready. A core alone is ready as
// soon as it serves.
std::string NotReadyBecause(bool draining, const std::optional<edge::EdgeSnapshot>& edge);

class Ops {
 public:
  // Bound, so that an address that cannot be had ends the process early; answers from Start() on.
  static absl::StatusOr<std::unique_ptr<Ops>> Open(const SocketAddress& address,
                                                   std::string version, std::string role,
                                                   const Clock& clock);

  // Once everything listens.
  void Start(OpsSubject subject);
  // A reload could not read something.
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
  OpsSubject subject_;

  std::atomic<bool> draining_{false};
  std::atomic<uint64_t> reload_failures_{0};
  // The endpoint's thread only.
  LogLimiter incomplete_;
  // Last: it ends before what its answers need.
  std::unique_ptr<OpsServer> server_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_OPS_H_

// ConnectionLimiter: counts the connections of an edge, in total and per client address, and checks
// them against its limits.
//
// A connection is counted when it is accepted (Enter), and admitted or refused once its upgrade is
// done (Admit). Connections that are not admitted yet take no place of admitted ones: each loop
// bounds them by itself.
//
// Owner:  EdgeShared.
// Thread: any.
// Bounds: an entry per address only while max_connections_per_ip is set.
#ifndef CAIRN_EDGE_CONNECTION_LIMITER_H_
#define CAIRN_EDGE_CONNECTION_LIMITER_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <optional>
#include <string>

#include "base/thread_annotations.h"
#include "edge/limits.h"
#include "edge/reasons.h"

namespace cairn::edge {

class ConnectionLimiter {
 public:
  // How one connection is counted. Returned by Enter(), passed to Leave().
  struct Verdict {
    // Close the socket without an answer: too many connections are already being refused.
    bool overflow = false;
    // Answer the upgrade, then close with this reason.
    std::optional<CloseReason> refusal;
    bool admitted = false;
    std::string host;  // the address that it is counted for; empty: none
  };

  explicit ConnectionLimiter(const EdgeLimits& limits) : limits_(limits) {}

  // Counts a connection, unless the verdict is overflow. Leave() must follow with the same verdict
  // when it is closed. `host` is empty until a proxy has told it.
  Verdict Enter(const std::string& host);
  // The upgrade is done, so `host` is known. REQUIRES: the connection was not refused before.
  void Admit(const std::string& host, Verdict& verdict);
  void Leave(const Verdict& verdict);

  size_t connections() const;

 private:
  bool AddToHost(const std::string& host, Verdict& verdict) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The connection is no longer counted in any other way.
  void Refuse(CloseReason reason, Verdict& verdict) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Immutable after construction.
  const EdgeLimits limits_;
  mutable Mutex mu_;
  size_t unadmitted_ ABSL_GUARDED_BY(mu_) = 0;
  size_t admitted_ ABSL_GUARDED_BY(mu_) = 0;
  size_t refusing_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<std::string, size_t> by_host_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CONNECTION_LIMITER_H_

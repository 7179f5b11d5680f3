// Census: how many connections an edge has, in all and per client address, held against its limits.
//
// A connection arrives (Enter), and is admitted or refused once its upgrade is done (Admit). Those
// that arrive do not take the places of those that are admitted: each loop bounds them by itself.
//
// Thread: any.
// Bounds: an entry per address only while max_connections_per_ip is set.
#ifndef CAIRN_EDGE_CENSUS_H_
#define CAIRN_EDGE_CENSUS_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <optional>
#include <string>

#include "base/thread_annotations.h"
#include "edge/limits.h"
#include "edge/reasons.h"

namespace cairn::edge {

class Census {
 public:
  // How one connection is counted. Made by Enter(), given to Leave().
  struct Verdict {
    // Close the socket without an answer: too many connections are already being refused.
    bool overflow = false;
    // Answer the upgrade, then close with this reason.
    std::optional<CloseReason> refusal;
    bool admitted = false;
    std::string host;  // the address it counts for; empty: none
  };

  explicit Census(const EdgeLimits& limits) : limits_(limits) {}

  // Counts a connection unless it overflows. Leave() must follow when it is gone, with the same
  // verdict. `host` is empty while a proxy has not told it.
  Verdict Enter(const std::string& host);
  // Its upgrade is done. `host` is known now. REQUIRES: no refusal yet.
  void Admit(const std::string& host, Verdict& verdict);
  void Leave(const Verdict& verdict);

  size_t connections() const;

 private:
  bool AddToHost(const std::string& host, Verdict& verdict) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The connection is not counted otherwise now.
  void Refuse(CloseReason reason, Verdict& verdict) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Immutable after construction.
  const EdgeLimits limits_;
  mutable Mutex mu_;
  size_t arriving_ ABSL_GUARDED_BY(mu_) = 0;
  size_t admitted_ ABSL_GUARDED_BY(mu_) = 0;
  size_t refusing_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<std::string, size_t> by_host_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CENSUS_H_

// Census: how many connections an edge has, in all and per client address, held against its limits.
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
  struct Verdict {
    // Turn it away without a word: even those who are being refused are too many.
    bool overflow = false;
    // Answer the upgrade, then close with this reason.
    std::optional<CloseReason> refusal;
  };

  explicit Census(const EdgeLimits& limits) : limits_(limits) {}

  // Counts a connection unless it overflows. Leave() must follow when it is gone, with the same
  // verdict. `host` is empty while a proxy has not told it.
  Verdict Enter(const std::string& host);
  // The host of a connection that entered without one, and was admitted. False when it has too
  // many.
  bool Identify(const std::string& host);
  void Leave(const std::string& host, const Verdict& verdict);

  size_t connections() const;

 private:
  bool AddToHost(const std::string& host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Immutable after construction.
  const EdgeLimits limits_;
  mutable Mutex mu_;
  size_t admitted_ ABSL_GUARDED_BY(mu_) = 0;
  size_t refusing_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<std::string, size_t> by_host_ ABSL_GUARDED_BY(mu_);
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CENSUS_H_

// EdgeShared: what all loops of an edge share.
//
// Owner:  Edge.
// Thread: any.
#ifndef CAIRN_EDGE_EDGE_SHARED_H_
#define CAIRN_EDGE_EDGE_SHARED_H_

#include <cstddef>

#include "base/bearer_tokens.h"
#include "base/clock.h"
#include "base/reloadable.h"
#include "edge/close_log.h"
#include "edge/connection_limiter.h"
#include "edge/core_sight.h"
#include "edge/handshake.h"
#include "edge/limits.h"
#include "edge/tls_context.h"

namespace cairn::edge {

struct EdgeShared {
  const EdgeLimits limits;
  Reloadable<BearerTokens> tokens;
  Reloadable<TlsContext> tls;  // null: plaintext
  ConnectionLimiter connection_limiter;
  const Clock& clock;
  const ProxyTrust proxy_trust;
  const bool log_peers;
  CloseLog close_log;
  const size_t loops;
  CoreSight cores;

  // A loop's share of a bound of the whole edge.
  size_t Share(size_t bound) const { return (bound + loops - 1) / loops; }
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_EDGE_SHARED_H_

// Arrival: what a connection needs until its upgrade is done and not a byte longer: who it says it
// comes from, and what it must show to be let in.
//
// Owner:  one Connection, from accept to the end of the upgrade. Thread: its loop.
#ifndef CAIRN_EDGE_ARRIVAL_H_
#define CAIRN_EDGE_ARRIVAL_H_

#include <memory>
#include <optional>

#include "base/address.h"
#include "base/bearer_tokens.h"
#include "edge/cidr.h"
#include "edge/proxy_protocol.h"
#include "edge/upgrade.h"

namespace cairn::edge {

// Whom to believe about client addresses.
struct ProxyTrust {
  // --trusted-proxies: their X-Forwarded-For counts.
  CidrSet proxies;
  // --proxy-protocol: they send a PROXY header before anything else. Never guessed: a client could
  // send one itself through a proxy that does not (HAProxy's specification, section 2).
  bool proxy_protocol = false;
};

struct Arrival {
  Arrival(const SocketAddress& tcp_peer, const ProxyTrust& proxy_trust,
          std::shared_ptr<const BearerTokens> valid, size_t max_head_bytes)
      : peer(tcp_peer),
        trust(proxy_trust),
        behind_proxy(trust.proxies.Contains(tcp_peer)),
        tokens(std::move(valid)),
        upgrade(*tokens, max_head_bytes) {}

  // Whose connection it is, as far as the upgrade and the proxies in front of us tell.
  // IPv4 is IPv4, in whatever form it came.
  SocketAddress Client() const;
  // The same as it was written.
  SocketAddress ClaimedClient() const;

  const SocketAddress peer;
  const ProxyTrust& trust;  // borrowed; outlives every connection
  const bool behind_proxy;
  std::optional<ProxyProtocol> proxy_header;
  const std::shared_ptr<const BearerTokens> tokens;
  Upgrade upgrade;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_ARRIVAL_H_

// Handshake: the data of a connection that is only needed until its upgrade is done: the address it
// claims to come from, and the credentials it must present.
//
// Owner:  one Connection, from accept to the end of the upgrade.
// Thread: its loop.
#ifndef CAIRN_EDGE_HANDSHAKE_H_
#define CAIRN_EDGE_HANDSHAKE_H_

#include <memory>
#include <optional>

#include "base/address.h"
#include "base/bearer_tokens.h"
#include "edge/cidr.h"
#include "edge/proxy_protocol.h"
#include "edge/upgrade.h"

namespace cairn::edge {

// Which proxies are trusted to name the client's address.
struct ProxyTrust {
  // --trusted-proxies: their X-Forwarded-For headers are used.
  CidrSet proxies;
  // --proxy-protocol: they send a PROXY header before any other byte. Its presence is never
  // guessed: a client could send one itself through a proxy that sends none (HAProxy's
  // specification, section 2).
  bool proxy_protocol = false;
};

struct Handshake {
  Handshake(const SocketAddress& tcp_peer, const ProxyTrust& proxy_trust,
            std::shared_ptr<const BearerTokens> valid, size_t max_head_bytes)
      : peer(tcp_peer),
        trust(proxy_trust),
        behind_proxy(trust.proxies.Contains(tcp_peer)),
        tokens(std::move(valid)),
        upgrade(*tokens, max_head_bytes) {}

  // The client's address, as far as the upgrade and the proxies tell.
  // An IPv4-mapped IPv6 address is converted to IPv4.
  SocketAddress Client() const;
  // The address as it was received.
  SocketAddress ClaimedClient() const;

  const SocketAddress peer;
  const ProxyTrust& trust;  // borrowed; outlives every connection
  const bool behind_proxy;
  std::optional<ProxyProtocol> proxy_header;
  const std::shared_ptr<const BearerTokens> tokens;
  Upgrade upgrade;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_HANDSHAKE_H_

#include "edge/handshake.h"

#include <string_view>

#include "edge/forwarded_for.h"

namespace cairn::edge {

SocketAddress Handshake::Client() const { return ClaimedClient().Unmapped(); }

SocketAddress Handshake::ClaimedClient() const {
  if (!behind_proxy) return peer;
  SocketAddress nearest = peer;
  if (proxy_header) {
    // A balancer that passes bytes through has not checked the headers of the request.
    if (!proxy_header->source()) return peer;
    nearest = *proxy_header->source();
  }
  if (upgrade.forwarded_for().empty()) return nearest;
  const std::string_view values[] = {upgrade.forwarded_for()};
  return ForwardedClient(values, nearest, trust.proxies);
}

}  // namespace cairn::edge

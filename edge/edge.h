// Edge: all loops of one edge, their listeners on one address, and what can be changed while it
// runs.
//
// Owner:  the composition (server/server.cc).
// Thread: the composition's, unless a method says otherwise.
#ifndef CAIRN_EDGE_EDGE_H_
#define CAIRN_EDGE_EDGE_H_

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/bearer_tokens.h"
#include "base/clock.h"
#include "base/unique_fd.h"
#include "edge/edge_snapshot.h"
#include "edge/handshake.h"
#include "edge/limits.h"
#include "edge/link_factory.h"
#include "edge/tls_context.h"

namespace cairn::edge {

struct EdgeOptions {
  SocketAddress listen_address;
  // A socket that is listening already; if valid, all loops use it instead of listen_address.
  UniqueFd listening_socket;
  // Another process on the address uses another core, so that its clients and ours cannot find each
  // other: new connections must come to this process.
  bool takes_over = false;
  // Start() comes when this process has joined its fleet: until then they go to the other one.
  bool serves_later = false;
  int loops = 1;
  std::string name;     // of the edge, for people
  std::string version;  // of the program, for people
  EdgeLimits limits;
  BearerTokens tokens;
  std::shared_ptr<const TlsContext> tls;  // null: plaintext
  ProxyTrust proxy_trust;
  bool log_peers = false;  // log each connection opened, refused and closed, with its address
  // The core asks for this edge to be drained; called on any loop, possibly more than once.
  std::function<void()> on_drain_order;
};

class Loop;
struct EdgeShared;

class Edge {
 public:
  // Binds and listens, but does not serve yet. `links` and `clock` must outlive the edge.
  static absl::StatusOr<std::unique_ptr<Edge>> Open(EdgeOptions options, LinkFactory& links,
                                                    const Clock& clock);
  ~Edge();

  // The real port, where 0 was requested.
  const SocketAddress& address() const { return address_; }

  // Any thread, until Stop() is called.
  EdgeSnapshot Snapshot() const;

  void Start();
  // For new connections; open ones are not affected. A null context is ignored by an edge with TLS.
  void SetTokens(BearerTokens tokens);
  void SetTls(std::shared_ptr<const TlsContext> tls);

  // Stops accepting and closes all connections with 1001, spread over `window`; `done` is called
  // once, on some loop.
  void Drain(absl::Duration window, const std::function<void()>& done);
  // Called after `done`: ends the threads and logs the totals.
  void Stop();

 private:
  Edge() = default;
  void LogCounters() const;

  SocketAddress address_;
  bool shared_socket_ = false;
  bool leaves_port_ = false;  // to the process that serves it, until Start()
  std::unique_ptr<EdgeShared> shared_;
  std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_EDGE_H_

// Acceptor: turns what the listener accepts into connections, as far as limits and TLS allow.
//
// Owner:  one Loop.
// Thread: that loop's.
// Bounds: kAcceptsPerTurn connections in a row before open ones are served.
// Errors: a socket that does not become a connection is closed and counted with its CloseReason. A
//         listener that cannot accept is not watched until Retry().
#ifndef CAIRN_EDGE_ACCEPTOR_H_
#define CAIRN_EDGE_ACCEPTOR_H_

#include <optional>
#include <string_view>
#include <utility>

#include "edge/connection_context.h"
#include "edge/connection_table.h"
#include "edge/edge_shared.h"
#include "edge/handover.h"
#include "edge/link_factory.h"
#include "edge/listener.h"

namespace cairn::edge {

class Acceptor final : private SocketListener {
 public:
  static constexpr int kAcceptsPerTurn = 128;

  // Watches the listener.
  Acceptor(EdgeShared& shared, ConnectionContext& context, ConnectionTable& connections,
           Listener listener);

  // New connections of the port go to the `own` sockets of this edge, and no longer to the
  // `earlier` ones.
  void TakeOverPort(uint32_t earlier, uint32_t own) const {
    Handover::TakeOver(listener_.fd(), earlier, own);
  }
  // The next connections go to the sockets of another process.
  void BeginHandover(const Handover& handover) const { handover.Begin(listener_.fd()); }

  // Usually because no descriptors are left.
  bool paused() const { return listener_.paused(); }
  void Retry();

  bool open() const { return listener_.open(); }
  // Accepts the connections that the kernel has already established, which closing alone would
  // reset, and closes.
  void Close(const std::optional<Handover>& handover);

 private:
  void OnSocketReady(uint32_t epoll_events) override;
  // When the kernel has no memory for it, the listener stays paused.
  void Watch();
  void AcceptAll(int most);
  void Adopt(Accepted accepted);
  void CountRefused(CloseReason reason, const SocketAddress& peer, std::string_view error = {});

  // Borrowed; must outlive this.
  EdgeShared& shared_;
  ConnectionContext& context_;
  ConnectionTable& connections_;
  // Loop thread only.
  Listener listener_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_ACCEPTOR_H_

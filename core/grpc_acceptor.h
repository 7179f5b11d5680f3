// GrpcAcceptor: accepts connections to the core's port, and passes on those with a known
// credential.
//
// gRPC 1.51 reads all that a connection sends before any handler sees the caller, and its own
// listener never accepts again once descriptors have run out (CVE-2023-4785). So for plaintext the
// acceptor reads the beginning of each connection itself (FirstRequest), up to the first call's
// token, and passes on those whose token is known. With TLS it does the same for lanes, which their
// edges ask for in the handshake (ALPN). gRPC makes the handshake of other connections; the
// acceptor limits its time, and the number of connections, until a first call is allowed. Only
// lanes that are not gRPC's get a receive buffer in which much can wait (ReceiveBuffer).
//
// Owner:  GrpcServer.
// Thread: one of its own. Admit(): any.
// Bounds: AcceptorBounds; 24 KiB of a connection that has not presented a token. A further connection
//         replaces another (EvictionOrder).
// Errors: none. Without descriptors it closes a connection that has not presented a credential, or
//         waits.
#ifndef CAIRN_CORE_GRPC_ACCEPTOR_H_
#define CAIRN_CORE_GRPC_ACCEPTOR_H_

#include <absl/time/time.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "core/authority.h"
#include "core/connection_refusal.h"
#include "core/grpc_credentials.h"
#include "core/grpc_socket.h"
#include "core/lane_socket.h"

namespace cairn::core {

struct AcceptorBounds {
  // Of the process: connections that have not presented a credential, and those that have; of the
  // latter, from one IP address.
  size_t max_unauthenticated, max_authenticated, max_authenticated_per_address;
  // Those of a path that gRPC serves through GrpcRelay, which takes three descriptors each; and of
  // one user.
  size_t max_relayed, max_relayed_per_user;
  // The time until the first call that is allowed.
  absl::Duration time_to_authenticate;

  // Derived from the number of files that this process may have open.
  static AcceptorBounds Of(int descriptor_limit);
};

class AcceptorThread;

class GrpcAcceptor {
 public:
  struct Arrival {
    // With TLS of its own only if it is a lane's.
    LaneSocket socket;
    std::string received;
    // The connection is a lane's and carries nothing else.
    bool is_lane = false;
    Credentials credentials = {};  // of a lane
  };
  // Takes over a connection, with the bytes read from it.
  using HandOver = std::function<void(Arrival arrival)>;

  // `socket`, `authority`, `tls` and `clock` must outlive it. `tls`: null for plaintext.
  GrpcAcceptor(const GrpcSocket& socket, const Authority& authority, const ReloadableTls* tls,
               HandOver hand_over, const AcceptorBounds& bounds, const Clock& clock);
  ~GrpcAcceptor();

  // Once each. Stop() closes the connections that gRPC does not have; no more are passed on
  // afterwards.
  void Start();
  void Stop();

  // A call of this peer, as gRPC names it ("ipv4:192.0.2.1:443"), has a known credential.
  void Admit(const std::string& peer);

  // Any thread.
  ConnectionRefusalValues Refused() const;

 private:
  std::unique_ptr<AcceptorThread> thread_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_GRPC_ACCEPTOR_H_

// GrpcDoor: accepts connections to the core's port, and passes those with a known credential to
// gRPC.
//
// gRPC 1.51 reads whatever a stranger sends before any handler sees the caller, and its own
// listener never accepts again once descriptors have run out (CVE-2023-4785). So for plaintext the
// door reads the beginning of each connection itself (Greeting), up to the first call's token, and
// passes on those whose token is known. With TLS gRPC makes the handshake; the door limits its time
// and number, until a first call is allowed.
//
// Owner:  GrpcServer.
// Thread: one of its own. Admit(): any.
// Bounds: DoorBounds; 24 KiB of a connection that has not presented a token. A further connection
//         replaces another (DoorPlaces).
// Errors: none. Without descriptors it closes a connection that has not presented a credential, or
//         waits.
#ifndef CAIRN_CORE_GRPC_DOOR_H_
#define CAIRN_CORE_GRPC_DOOR_H_

#include <absl/time/time.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "core/authority.h"
#include "core/grpc_socket.h"

namespace cairn::core {

struct DoorBounds {
  // Of the process: connections that have not presented a credential, and those that have; of the
  // latter, from one IP address.
  size_t max_strangers, max_inside, max_inside_per_address;
  // The time until the first call that is allowed.
  absl::Duration time_to_show;

  // Derived from the number of files that this process may have open.
  static DoorBounds Of(int descriptor_limit);
};

class DoorPorter;

class GrpcDoor {
 public:
  // Passes a connection to gRPC, with the bytes read from it.
  using HandOver = std::function<void(UniqueFd fd, const std::string& received)>;

  // `socket`, `authority` and `clock` must outlive it. `tls`: connections begin with a TLS
  // handshake, which is gRPC's.
  GrpcDoor(const GrpcSocket& socket, const Authority& authority, bool tls, HandOver hand_over,
           const DoorBounds& bounds, const Clock& clock);
  ~GrpcDoor();

  // Once each. Stop() closes the connections that gRPC does not have; no more are passed on
  // afterwards.
  void Start();
  void Stop();

  // A call of this peer, as gRPC names it ("ipv4:192.0.2.1:443"), was allowed.
  void Admit(const std::string& peer);

 private:
  std::unique_ptr<DoorPorter> porter_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_GRPC_DOOR_H_

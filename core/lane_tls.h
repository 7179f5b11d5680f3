// LaneTls: a core's side of mutual TLS on connections that it serves without gRPC, with the same
// certificate, key and CA.
//
// An edge asks for such a connection by ALPN. Every connection makes a whole handshake: a session
// that is resumed would not have its certificate checked against the CA of now.
//
// Owner:  the composition (server/credentials.h), shared with handshakes; replaced on SIGHUP.
// Thread: immutable after construction; CallerOf(): any.
// Errors: INVALID_ARGUMENT with OpenSSL's reason.
#ifndef CAIRN_CORE_LANE_TLS_H_
#define CAIRN_CORE_LANE_TLS_H_

#include <absl/status/statusor.h>

#include <memory>
#include <utility>

#include "base/tls_settings.h"
#include "core/authority.h"
#include "core/grpc_server.h"

namespace cairn::core {

class LaneTls {
 public:
  static absl::StatusOr<std::shared_ptr<const LaneTls>> Make(const GrpcTls& tls);

  // A server-side connection over the non-blocking socket `fd`, which it does not own. Null when
  // out of memory.
  SslPtr NewConnection(int fd) const;
  // After the handshake: the names and the chain of the client's certificate, as gRPC has them.
  static Credentials CallerOf(const SSL& ssl);

 private:
  explicit LaneTls(SslContextPtr context) : context_(std::move(context)) {}

  SslContextPtr context_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LANE_TLS_H_

// Server credentials for gRPC whose certificate, key and CA can be replaced while the server runs.
//
// gRPC's own C++ credentials are fixed; its C interface asks for them at each handshake.
//
// Thread: any.
#ifndef CAIRN_CORE_GRPC_CREDENTIALS_H_
#define CAIRN_CORE_GRPC_CREDENTIALS_H_

#include <memory>

#include "base/reloadable.h"
#include "core/grpc_server.h"

namespace grpc {
class ServerCredentials;
}

namespace cairn::core {

using ReloadableTls = Reloadable<GrpcTls>;

// Mutual TLS with the contents of `tls` at the time of each handshake. Must outlive the server.
std::shared_ptr<grpc::ServerCredentials> NewReloadableCredentials(
    std::shared_ptr<ReloadableTls> tls);

}  // namespace cairn::core

#endif  // CAIRN_CORE_GRPC_CREDENTIALS_H_

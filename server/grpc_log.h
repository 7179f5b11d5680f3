// gRPC's own log as lines of ours: event "grpc", module cairn_signal::grpc.
//
// How much gRPC says is its own business: errors, which are warnings here, unless GRPC_VERBOSITY
// asks for more. It is also filtered by level.
// Bounds: some warnings every few seconds.
#ifndef CAIRN_SERVER_GRPC_LOG_H_
#define CAIRN_SERVER_GRPC_LOG_H_

namespace cairn::server {

// Once, before gRPC is used; for the life of the process.
void RouteGrpcLog();

}  // namespace cairn::server

#endif  // CAIRN_SERVER_GRPC_LOG_H_

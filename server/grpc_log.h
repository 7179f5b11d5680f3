// Prints gRPC's own log as lines of ours: event "grpc", module cairn_signal::grpc.
//
// By default gRPC reports errors only; GRPC_VERBOSITY asks for more. The log's own filter applies
// too.
//
// Bounds: a few warnings every few seconds.
#ifndef CAIRN_SERVER_GRPC_LOG_H_
#define CAIRN_SERVER_GRPC_LOG_H_

namespace cairn::server {

// Called once, before gRPC is used; lasts for the life of the process.
void RouteGrpcLog();

}  // namespace cairn::server

#endif  // CAIRN_SERVER_GRPC_LOG_H_

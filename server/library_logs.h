// Prints the logs of libraries as lines of ours, in the module cairn_signal::grpc.
//
// gRPC's: event "grpc". By default it reports errors only; GRPC_VERBOSITY asks for more. The log's
// own filter applies too.
// Protobuf's: event "protobuf". It has a line for every message with text that is not UTF-8, which
// anybody with a credential can send, and would write it to stderr on the thread that parses, for
// as long as that takes.
//
// Bounds: a few warnings every few seconds, of each.
#ifndef CAIRN_SERVER_LIBRARY_LOGS_H_
#define CAIRN_SERVER_LIBRARY_LOGS_H_

namespace cairn::server {

// Called once each, before gRPC is used and before a message is parsed; lasts for the life of the
// process.
void RouteGrpcLog();
void RouteProtobufLog();

}  // namespace cairn::server

#endif  // CAIRN_SERVER_LIBRARY_LOGS_H_

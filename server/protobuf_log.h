// Prints the log of the protobuf library as lines of ours: event "protobuf", module
// cairn_signal::grpc.
//
// It has a line for every message with text that is not UTF-8, which anybody with a credential can
// send, and would write it to stderr on the thread that parses, for as long as that takes.
//
// Bounds: a few warnings every few seconds.
#ifndef CAIRN_SERVER_PROTOBUF_LOG_H_
#define CAIRN_SERVER_PROTOBUF_LOG_H_

namespace cairn::server {

// Called once, before a message is parsed; lasts for the life of the process.
void RouteProtobufLog();

}  // namespace cairn::server

#endif  // CAIRN_SERVER_PROTOBUF_LOG_H_

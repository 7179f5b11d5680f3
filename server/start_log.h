// What a process logs when it has started: a line for each of its ports.
#ifndef CAIRN_SERVER_START_LOG_H_
#define CAIRN_SERVER_START_LOG_H_

#include <string>

#include "base/address.h"
#include "server/options.h"

namespace cairn::server {

// `open_to_all`: clients need no token. Warns if others than this machine's can reach the port.
void LogClientsPort(const SocketAddress& address, bool has_tls, bool open_to_all,
                    const Options& options);
void LogGrpcPort(const std::string& address);
// The core serves without its gRPC port.
void LogGrpcFailure(const std::string& failure);
void LogOpsPort(const SocketAddress& address);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_START_LOG_H_

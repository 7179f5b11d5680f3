// What the core's gRPC port is composed of, as Options say.
//
// Errors: a Status that names the option, and says what to do.
#ifndef CAIRN_SERVER_GRPC_SETUP_H_
#define CAIRN_SERVER_GRPC_SETUP_H_

#include <absl/status/statusor.h>

#include "core/grpc_server.h"
#include "server/options.h"

namespace cairn::server {

// All but the fleet. Logs a warning when tokens would pass in plain text.
absl::StatusOr<core::GrpcOptions> LoadGrpcOptions(const Options& options);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_GRPC_SETUP_H_

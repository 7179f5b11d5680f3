// GrpcServer: the core's gRPC port.
//
// Thread: the composition's; calls run on gRPC's own threads.
// Errors: UNAVAILABLE when the address cannot be listened on.
#ifndef CAIRN_CORE_GRPC_SERVER_H_
#define CAIRN_CORE_GRPC_SERVER_H_

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "core/core.h"

namespace cairn::core {

class GrpcServer {
 public:
  // `address` is "IP:port" or "unix:PATH". `core` must outlive the server.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const std::string& address, Core& core,
                                                           const CoreLimits& limits);
  // Ends every call; lanes go and try again elsewhere or later.
  ~GrpcServer();

  // As given, with the real port where 0 was asked for.
  const std::string& address() const { return address_; }

 private:
  struct Parts;
  GrpcServer();

  std::string address_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_GRPC_SERVER_H_

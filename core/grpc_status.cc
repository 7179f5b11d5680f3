#include "core/grpc_status.h"

#include <grpcpp/support/status.h>

#include <string>

namespace cairn::core {

grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

}  // namespace cairn::core

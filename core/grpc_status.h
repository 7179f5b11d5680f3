// Where a Status goes out to a caller of gRPC: the codes of both are the same.
#ifndef CAIRN_CORE_GRPC_STATUS_H_
#define CAIRN_CORE_GRPC_STATUS_H_

#include <absl/status/status.h>

namespace grpc {
class Status;
}

namespace cairn::core {

grpc::Status ToGrpc(const absl::Status& status);

}  // namespace cairn::core

#endif  // CAIRN_CORE_GRPC_STATUS_H_

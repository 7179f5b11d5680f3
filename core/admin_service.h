// AdminService: the Admin service of admin.proto: operators' calls, executed as AdminCalls between
// the inputs of lanes.
//
// Thread: gRPC's; access to tables runs in the router, a bounded amount at a time.
// Bounds: kMaxQueuedEvents events that a watcher has not read; then it is told how many it missed.
#ifndef CAIRN_CORE_ADMIN_SERVICE_H_
#define CAIRN_CORE_ADMIN_SERVICE_H_

#include <memory>
#include <string>

#include "core/core.h"

namespace grpc {
class Service;
}

namespace cairn::core {

class Authority;

inline constexpr size_t kMaxQueuedEvents = 4096;

// `core` and `authority` must outlive the service and every call. `version`: the program's.
std::unique_ptr<grpc::Service> NewAdminService(Core& core, Authority& authority,
                                               std::string version);

}  // namespace cairn::core

#endif  // CAIRN_CORE_ADMIN_SERVICE_H_

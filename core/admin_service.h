// The Admin service of admin.proto: operators' calls, carried out as AdminCalls between lanes'
// inputs.
//
// Thread: gRPC's; what touches tables runs with the router entered, a bounded piece at a time.
// Bounds: kMaxQueuedEvents events a watcher has not taken; then it is told how many it missed.
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

// `core` and `authority` must outlive the service and every call. `version` is the program's.
std::unique_ptr<grpc::Service> NewAdminService(Core& core, Authority& authority,
                                               std::string version);

}  // namespace cairn::core

#endif  // CAIRN_CORE_ADMIN_SERVICE_H_

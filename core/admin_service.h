// AdminService: the Admin service of admin.proto: operators' calls, executed as AdminCalls between
// the inputs of lanes.
//
// Owner:  the gRPC server (core/grpc_server.cc).
// Thread: gRPC's; access to tables runs in the router, a bounded amount at a time.
//         A call that is for another core of the fleet is passed on (core/fleet_calls.h).
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
class Fleet;

// `core`, `authority` and `fleet` must outlive the service and every call. `name`: the core's, for
// people; `version`: the program's. `fleet`: null without one.
std::unique_ptr<grpc::Service> NewAdminService(Core& core, Authority& authority, std::string name,
                                               std::string version, Fleet* fleet);

}  // namespace cairn::core

#endif  // CAIRN_CORE_ADMIN_SERVICE_H_

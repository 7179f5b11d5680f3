// LaneService: the Lanes service of lane.proto: each call becomes a LaneStream of the router.
//
// Owner:  the gRPC server (core/grpc_server.cc). A call owns itself until gRPC is done with it.
// Thread: gRPC's; its callbacks enter the core, and never block.
// Bounds: one message of each lane that the router has not handled yet.
#ifndef CAIRN_CORE_LANE_SERVICE_H_
#define CAIRN_CORE_LANE_SERVICE_H_

#include <memory>

#include "core/core.h"

namespace grpc {
class Service;
}

namespace cairn::core {

class Authority;

// `core` and `authority` must outlive the service and every call.
std::unique_ptr<grpc::Service> NewLaneService(Core& core, Authority& authority);

}  // namespace cairn::core

#endif  // CAIRN_CORE_LANE_SERVICE_H_

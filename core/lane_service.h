// The Lanes service of lane.proto: each call becomes an EdgeSink and a lane of the router.
//
// Thread: gRPC's; its callbacks copy and enter the core, and never block.
// Bounds: CoreLimits::max_lane_queued_bytes a lane.
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
std::unique_ptr<grpc::Service> NewLaneService(Core& core, const Authority& authority,
                                              const CoreLimits& limits);

}  // namespace cairn::core

#endif  // CAIRN_CORE_LANE_SERVICE_H_

// The cost of a link's items: the memory in bytes that an item takes while it is kept.
//
// The only measure for every queue, window and bound between edge and core. The fixed parts were
// measured (sizeof and the allocations of a parsed item, protobuf 3.21).
//
// Thread: any.
#ifndef CAIRN_PROTO_LINK_COST_H_
#define CAIRN_PROTO_LINK_COST_H_

#include <cstddef>

#include "signaling/v1/lane.pb.h"

namespace cairn::link {

size_t CostOf(const signaling::v1::LaneEvent& event);
size_t CostOf(const signaling::v1::Delivery& delivery);
size_t CostOf(const signaling::v1::Notice& notice);
size_t CostOf(const signaling::v1::Answer& answer);
size_t CostOf(const signaling::v1::Command& command);
// The cost of all items of the message.
size_t CostOf(const signaling::v1::LaneToCore& message);
size_t CostOf(const signaling::v1::CoreToLane& message);

}  // namespace cairn::link

#endif  // CAIRN_PROTO_LINK_COST_H_

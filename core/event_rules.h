// EventRules: what a lane may send now, given the peers and lanes that the core knows.
// core/lane_rules.h has the rules that do not depend on them.
//
// Thread: the router's; no state but LaneRecord::next_seq.
#ifndef CAIRN_CORE_EVENT_RULES_H_
#define CAIRN_CORE_EVENT_RULES_H_

#include <cstdint>
#include <optional>

#include "core/directory.h"
#include "core/lane_refusal.h"
#include "core/limits.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::core {

// Absent when the event is accepted.
std::optional<LaneRefusal> WhyRefusedNow(const Directory& directory, const CoreLimits& limits,
                                         const LaneRecord& lane,
                                         const signaling::v1::LaneEvent& event);
// Whether the numbers of the lane's new relays have no gap. Records the event's.
bool FollowsLast(LaneRecord& lane, const signaling::v1::LaneEvent& event);
bool HasRoomForLane(const Directory& directory, const CoreLimits& limits,
                    const signaling::v1::Hello& hello);

}  // namespace cairn::core

#endif  // CAIRN_CORE_EVENT_RULES_H_

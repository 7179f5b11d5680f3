// LaneRules: what an edge may send, independent of the core's state: sizes and counts, and ids that
// prove which lane they belong to.
//
// An edge's own limits are the same or lower; these are the highest that it can be configured to.
//
// Thread: any; no state.
#ifndef CAIRN_CORE_LANE_RULES_H_
#define CAIRN_CORE_LANE_RULES_H_

#include <optional>

#include "core/lane_refusal.h"
#include "core/limits.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::core {

// Checks the first message of a stream. ProvesLane() checks that the secret is the lane's.
std::optional<LaneRefusal> WhyRefused(const signaling::v1::LaneToCore& first,
                                      const CoreLimits& limits);
std::optional<LaneRefusal> WhyRefused(const signaling::v1::LaneEvent& event,
                                      const CoreLimits& limits);
std::optional<LaneRefusal> WhyRefused(const signaling::v1::LaneStats& stats,
                                      const CoreLimits& limits);

bool ProvesLane(const signaling::v1::Hello& hello);

}  // namespace cairn::core

#endif  // CAIRN_CORE_LANE_RULES_H_

// What an edge may say, whatever the core knows: sizes and counts, and ids that prove whose they
// are.
//
// An edge is bound to the same by its own limits; these are the highest that it can be configured
// to.
//
// Pure.
//
// Thread: any.
#ifndef CAIRN_CORE_LANE_RULES_H_
#define CAIRN_CORE_LANE_RULES_H_

#include <optional>

#include "core/lane_refusal.h"
#include "core/limits.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::core {

// The first message of a stream. That the secret is the lane's is shown by ProvesLane().
std::optional<LaneRefusal> WhyRefused(const signaling::v1::LaneToCore& first,
                                      const CoreLimits& limits);
std::optional<LaneRefusal> WhyRefused(const signaling::v1::LaneEvent& event,
                                      const CoreLimits& limits);
std::optional<LaneRefusal> WhyRefused(const signaling::v1::LaneStats& stats,
                                      const CoreLimits& limits);

bool ProvesLane(const signaling::v1::Hello& hello);

}  // namespace cairn::core

#endif  // CAIRN_CORE_LANE_RULES_H_

// RouterCounters: what a router has counted since its start, for metrics and operators.
//
// Owner:  Router.
// Thread: the router's.
#ifndef CAIRN_CORE_ROUTER_COUNTERS_H_
#define CAIRN_CORE_ROUTER_COUNTERS_H_

#include <array>
#include <cstdint>

#include "base/histogram.h"
#include "core/lane_end.h"
#include "core/lane_refusal.h"

namespace cairn::core {

inline constexpr std::array<int64_t, 10> kFanOutBounds = {0,  1,  2,   5,     10,
                                                          20, 50, 100, 1'000, 10'000};

struct RouterCounters {
  uint64_t relays = 0;
  uint64_t relays_unheard = 0;       // no other peer was subscribed
  uint64_t deliveries = 0;           // the sum over all relays of the lanes that each went to
  uint64_t events_ignored = 0;       // invalid ones of lanes
  Histogram<kFanOutBounds> fan_out;  // the subscribers that each relay went to
  uint64_t lanes_late = 0;     // reconnected after a restarted core had stopped waiting for them
  uint64_t lanes_refused = 0;  // Hello with a wrong secret for the lane
  std::array<uint64_t, kLaneRefusalCount> refusals = {};  // input refused, see LaneRefusal
  std::array<uint64_t, kLaneEndCount> lanes_ended = {};
  // Unacknowledged deliveries to those lanes.
  std::array<uint64_t, kLaneEndCount> deliveries_given_up = {};
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_ROUTER_COUNTERS_H_

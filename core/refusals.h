// Refusals: counts input of an edge that the core refuses, and logs it, rate-limited.
//
// Owner:  Router.
// Thread: the router's.
#ifndef CAIRN_CORE_REFUSALS_H_
#define CAIRN_CORE_REFUSALS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log_limiter.h"
#include "core/lane_refusal.h"
#include "core/router_counters.h"

namespace cairn::core {

class Refusals {
 public:
  // Both must outlive this.
  Refusals(RouterCounters& counters, const Clock& clock)
      : counters_(counters), limiter_(clock, kLogged) {}

  // Counts only.
  void Count(LaneRefusal reason) { ++counters_.refusals[static_cast<size_t>(reason)]; }
  // Counts and logs.
  void Add(LaneRefusal reason, std::string_view edge, uint32_t lane_index);

 private:
  static constexpr int kLogged = 3;  // in ten seconds

  RouterCounters& counters_;
  LogLimiter limiter_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_REFUSALS_H_

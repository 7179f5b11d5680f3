// CoreLimits: every bound of a core, with its default.
//
// Units: costs are those of proto/link/cost.h.
#ifndef CAIRN_CORE_LIMITS_H_
#define CAIRN_CORE_LIMITS_H_

#include <absl/time/time.h>

#include <cstddef>

#include "proto/link/timing.h"

namespace cairn::core {

struct CoreLimits {
  // --lane-timeout: a lane that has not answered for so long is given up, with a stream or without
  // one.
  absl::Duration lane_timeout = absl::FromChrono(link::kDefaultLaneTimeout);
  // Cost of what a lane has not acknowledged. Broken: the lane is given up. Less than what an edge
  // keeps of what it has sent (EdgeLimits::max_open_bytes), so that others are not held up by it.
  size_t max_lane_queued_bytes = 32 << 20;
  // One message of a lane that comes in parts.
  size_t max_whole_bytes = 80 << 20;
  // Cost of the relays of one lane that are held while a restarted core waits for others. Full: the
  // lane is not read.
  size_t max_held_bytes_per_lane = 4 << 20;
  // Cost of the relays that are kept for lanes that a restarted core no longer holds relays for.
  // Full: those lanes are late.
  size_t max_late_bytes = 32 << 20;
  // Lanes that were given up and may come back, whose secrets the core remembers.
  size_t max_tombstones = 16'384;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LIMITS_H_

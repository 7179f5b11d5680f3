// LaneEnd: why the core gave up a lane: one name each, which is also the metric label.
//
// docs/RELAYS.md "When a lane is given up" has the same table; a test compares them.
#ifndef CAIRN_CORE_LANE_END_H_
#define CAIRN_CORE_LANE_END_H_

#include <absl/status/status.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cairn::core {

// X(enumerator, name, status code of the stream)
#define CAIRN_CORE_LANE_ENDS(X)                                                           \
  X(kTimeout, "lane_timeout", kDeadlineExceeded) /* CoreLimits::lane_timeout */           \
  X(kFull, "lane_full", kResourceExhausted)      /* CoreLimits::max_lane_queued_bytes */  \
  X(kBroken, "lane_broken", kInvalidArgument)    /* it broke the numbering of its link */ \
  X(kReplaced, "lane_replaced", kAborted)        /* it has begun a new link by itself */

enum class LaneEnd : uint8_t {
#define X(enumerator, name, code) enumerator,
  CAIRN_CORE_LANE_ENDS(X)
#undef X
};
#define X(...) +1
inline constexpr size_t kLaneEndCount = 0 CAIRN_CORE_LANE_ENDS(X);
#undef X

std::string_view Name(LaneEnd reason);
absl::Status StatusOf(LaneEnd reason);

}  // namespace cairn::core

#endif  // CAIRN_CORE_LANE_END_H_

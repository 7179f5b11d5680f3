// Steady times of tests of pure classes, which get the time as an argument.
#ifndef CAIRN_TESTS_SUPPORT_STEADY_TIMES_H_
#define CAIRN_TESTS_SUPPORT_STEADY_TIMES_H_

#include <absl/time/time.h>

namespace cairn {

// The time at which a test begins.
inline constexpr absl::Duration kStart = absl::Hours(1);
// The shortest time: an event that is due at a time is not due kInstant before it.
inline constexpr absl::Duration kInstant = absl::Microseconds(1);

}  // namespace cairn

#endif  // CAIRN_TESTS_SUPPORT_STEADY_TIMES_H_

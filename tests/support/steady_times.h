// Steady times of tests of pure classes, which get the time as an argument.
#ifndef CAIRN_TESTS_SUPPORT_STEADY_TIMES_H_
#define CAIRN_TESTS_SUPPORT_STEADY_TIMES_H_

#include <absl/time/time.h>

namespace cairn {

// When a test begins.
inline constexpr absl::Duration kStart = absl::Hours(1);
// The shortest time: what is due then is not due a moment before.
inline constexpr absl::Duration kInstant = absl::Microseconds(1);

}  // namespace cairn

#endif  // CAIRN_TESTS_SUPPORT_STEADY_TIMES_H_

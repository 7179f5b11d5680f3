// Turn: the input that the router handles: when it came, and the work that it has caused so far.
//
// Owner:  Router, which begins it anew with every input; its parts borrow it.
// Thread: the router's.
#ifndef CAIRN_CORE_TURN_H_
#define CAIRN_CORE_TURN_H_

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>

namespace cairn::core {

struct Turn {
  // A delivery of so many bytes counts as another one.
  static constexpr size_t kBytesPerDelivery = 4096;

  static constexpr uint64_t WorkOf(size_t bytes) { return 1 + bytes / kBytesPerDelivery; }
  // On the steady clock.
  void BeginAt(absl::Duration at, absl::Duration wall_ahead) {
    now = at;
    steady_us = absl::ToInt64Microseconds(at);
    now_us = absl::ToInt64Microseconds(at + wall_ahead);
    work = 0;
  }

  absl::Duration now;     // steady clock
  int64_t steady_us = 0;  // the same
  int64_t now_us = 0;     // wall clock, for display
  uint64_t work = 0;      // events and deliveries: at most CoreLimits::work_per_turn
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_TURN_H_

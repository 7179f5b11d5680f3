// Clock: time as something handed in, so that a test can drive it.
//
// Thread: any.
#ifndef CAIRN_BASE_CLOCK_H_
#define CAIRN_BASE_CLOCK_H_

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <chrono>

namespace cairn {

class Clock {
 public:
  virtual ~Clock() = default;
  // Monotonic; only differences mean something.
  virtual absl::Duration Elapsed() const = 0;
  virtual absl::Time WallTime() const = 0;
};

class SystemClock final : public Clock {
 public:
  absl::Duration Elapsed() const override {
    return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }
  absl::Time WallTime() const override { return absl::Now(); }
};

}  // namespace cairn

#endif  // CAIRN_BASE_CLOCK_H_

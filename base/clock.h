// Clock: the time, as an interface, so that tests can control it.
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
  // Monotonic; only differences between two values have a meaning.
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

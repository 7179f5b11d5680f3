// FakeClock: time that stands still until a test moves it.
#ifndef CAIRN_TESTS_SUPPORT_FAKE_CLOCK_H_
#define CAIRN_TESTS_SUPPORT_FAKE_CLOCK_H_

#include "base/clock.h"

namespace cairn {

class FakeClock final : public Clock {
 public:
  absl::Duration Elapsed() const override { return elapsed_; }
  absl::Time WallTime() const override { return absl::FromUnixSeconds(1'000'000) + elapsed_; }
  int64_t WallTimeUs() const { return absl::ToUnixMicros(WallTime()); }

  void Advance(absl::Duration time) { elapsed_ += time; }

 private:
  absl::Duration elapsed_ = absl::Hours(1);
};

}  // namespace cairn

#endif  // CAIRN_TESTS_SUPPORT_FAKE_CLOCK_H_

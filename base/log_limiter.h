// LogLimiter: limits how often one kind of line is logged, and counts the lines that were
// suppressed.
//
// Owner:  the code that logs.
// Thread: its owner's, or under its owner's lock.
// Bounds: `burst` lines per interval.
#ifndef CAIRN_BASE_LOG_LIMITER_H_
#define CAIRN_BASE_LOG_LIMITER_H_

#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace cairn {

class LogLimiter {
 public:
  // `clock` must outlive the limiter.
  explicit LogLimiter(const Clock& clock, int burst = 1,
                      absl::Duration interval = absl::Seconds(10))
      : clock_(&clock), burst_(burst), interval_(interval) {}

  // Nothing: do not log. Otherwise log the line, with the number of lines suppressed since the last
  // one.
  std::optional<uint64_t> Admit() {
    const absl::Duration now = clock_->Elapsed();
    if (now >= interval_end_) {
      interval_end_ = now + interval_;
      left_ = burst_;
    }
    if (left_ <= 0) {
      ++suppressed_;
      return std::nullopt;
    }
    --left_;
    return std::exchange(suppressed_, 0);
  }

 private:
  // Borrowed; must outlive this.
  const Clock* clock_;
  // Immutable after construction.
  int burst_;
  absl::Duration interval_;

  absl::Duration interval_end_ = -absl::InfiniteDuration();
  int left_ = 0;
  uint64_t suppressed_ = 0;
};

}  // namespace cairn

#endif  // CAIRN_BASE_LOG_LIMITER_H_

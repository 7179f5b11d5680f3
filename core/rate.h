// Rate: events per second, averaged over about the last ten seconds, in 16 bytes.
//
// Counts events in whole windows; the previous window counts by the share of it that is within the
// last ten seconds.
//
// Thread: its owner's. Time is passed in, and never goes back.
#ifndef CAIRN_CORE_RATE_H_
#define CAIRN_CORE_RATE_H_

#include <cstdint>

namespace cairn::core {

class Rate {
 public:
  static constexpr int64_t kWindowUs = 10'000'000;

  void Add(int64_t now_us) {
    Roll(now_us);
    ++current_;
  }

  double PerSecond(int64_t now_us) const {
    Rate rolled = *this;
    rolled.Roll(now_us);
    const double elapsed = static_cast<double>(now_us % kWindowUs) / kWindowUs;
    return (rolled.previous_ * (1 - elapsed) + rolled.current_) / (kWindowUs / 1'000'000);
  }

 private:
  void Roll(int64_t now_us) {
    const auto window = static_cast<uint32_t>(now_us / kWindowUs);
    if (window == window_) return;
    previous_ = window == window_ + 1 ? current_ : 0;
    current_ = 0;
    window_ = window;
  }

  uint32_t window_ = 0;
  uint32_t current_ = 0;
  uint32_t previous_ = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_RATE_H_

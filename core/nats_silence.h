// NatsSilence: when a server that sends nothing is asked whether it lives, and when it is left.
//
// What it has sent earlier and comes late counts as well: a core with much to read does not take
// its server for dead.
//
// Thread: its owner's. Time is handed in, steady.
#ifndef CAIRN_CORE_NATS_SILENCE_H_
#define CAIRN_CORE_NATS_SILENCE_H_

#include <chrono>
#include <cstdint>
#include <utility>

namespace cairn::core {

class NatsSilence {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Due : uint8_t { kNothing, kPing, kLeave };

  static constexpr std::chrono::milliseconds kUntilPing{400};
  static constexpr std::chrono::milliseconds kUntilLeft{1'000};  // after the PING

  explicit NatsSilence(Time now) { OnHeard(now); }

  void OnHeard(Time now) {
    next_ = now + kUntilPing;
    asked_ = false;
  }
  // What is to be done now, once. REQUIRES: nothing can be read.
  Due Take(Time now) {
    if (now < next_) return Due::kNothing;
    next_ = now + kUntilLeft;
    return std::exchange(asked_, true) ? Due::kLeave : Due::kPing;
  }
  // When Take() has something to say, if nothing is heard.
  Time next() const { return next_; }

 private:
  Time next_;
  bool asked_ = false;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_NATS_SILENCE_H_

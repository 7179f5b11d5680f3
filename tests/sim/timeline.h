// Timeline: virtual time, and the events that are due. No thread, no sleep: the time is that of the
// event that runs.
//
// Owner:  World.
#ifndef CAIRN_TESTS_SIM_TIMELINE_H_
#define CAIRN_TESTS_SIM_TIMELINE_H_

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace cairn::sim {

// Microseconds since the run began.
using Time = int64_t;
inline constexpr Time kMs = 1'000;
inline constexpr Time kSecond = 1'000'000;

class Timeline {
 public:
  Time now() const { return now_; }
  // Events of the same time run in the order in which they were added.
  void At(Time when, std::function<void()> run) {
    events_.push({when < now_ ? now_ : when, next_++, std::move(run)});
  }
  void After(Time wait, std::function<void()> run) { At(now_ + wait, std::move(run)); }
  // Runs the next event that is due by `end`. False when there is none: then the time is `end`.
  bool Step(Time end) {
    if (events_.empty() || events_.top().when > end) {
      now_ = end;
      return false;
    }
    // top() is const, but the event is popped at once.
    const std::function<void()> run = std::move(const_cast<Event&>(events_.top()).run);
    now_ = events_.top().when;
    events_.pop();
    run();
    return true;
  }
  void Clear() { events_ = {}; }

 private:
  struct Event {
    Time when;
    uint64_t number;
    std::function<void()> run;
    bool operator<(const Event& other) const {
      return when != other.when ? when > other.when : number > other.number;
    }
  };

  Time now_ = 0;
  uint64_t next_ = 0;
  std::priority_queue<Event> events_;
};

// The clock of one process or of all: steady time is the timeline's, wall time can be stepped.
class SimClock final : public Clock {
 public:
  explicit SimClock(const Timeline& timeline) : timeline_(timeline) {}
  absl::Duration Elapsed() const override {
    return absl::Hours(1) + absl::Microseconds(timeline_.now());
  }
  absl::Time WallTime() const override {
    return absl::FromUnixSeconds(1'700'000'000) + absl::Microseconds(timeline_.now()) + stepped_;
  }
  void StepWall(absl::Duration by) { stepped_ += by; }

 private:
  const Timeline& timeline_;
  absl::Duration stepped_;
};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_TIMELINE_H_

// DrainSchedule: how many connections a draining loop closes on each tick, so that the closes are
// spread evenly over the window.
//
// Owner:  Loop.
// Thread: its own. Time is passed in, and never goes back.
#ifndef CAIRN_EDGE_DRAIN_SCHEDULE_H_
#define CAIRN_EDGE_DRAIN_SCHEDULE_H_

#include <absl/time/time.h>

#include <algorithm>
#include <cstddef>

namespace cairn::edge {

class DrainSchedule {
 public:
  // `grace`: how long after the window the last connections may take to end.
  void Begin(absl::Duration now, absl::Duration window, absl::Duration grace) {
    window_ = window;
    end_ = now + window;
    cutoff_ = end_ + grace;
  }

  // How many of the `open` connections to close now. Called every `tick`; the last call in the
  // window returns all of them.
  size_t Due(absl::Duration now, absl::Duration tick, size_t open) {
    const double ticks_left = absl::FDivDuration(end_ - now, tick);
    const auto all = static_cast<double>(open);
    // The fraction of a connection is carried over to the next tick.
    due_ += ticks_left <= 1 ? all : all / ticks_left;
    const size_t count = std::min(static_cast<size_t>(due_), open);
    due_ -= static_cast<double>(count);
    return count;
  }

  // Connections that are still open are not waited for any longer.
  bool IsOver(absl::Duration now) const { return now >= cutoff_; }
  absl::Duration window() const { return window_; }

 private:
  absl::Duration window_;
  absl::Duration end_;
  absl::Duration cutoff_;
  double due_ = 0;  // connections that should have been closed by now
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_DRAIN_SCHEDULE_H_

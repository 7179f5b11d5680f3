// LoopDrain: the end of a loop: it stops accepting, closes its connections gradually, and tells the
// core that its lane ends.
//
//   Begin ──▶ handing over (300 ms, if another process serves the port) ──▶ closing, spread over
//   the window ──▶ goodbye, until the lane's relays have arrived or link::kGoodbyeTimeout ──▶ done
//
// Owner:  one Loop.
// Thread: that loop's.
// Bounds: the window, then EdgeLimits::close_timeout, then link::kGoodbyeTimeout.
#ifndef CAIRN_EDGE_LOOP_DRAIN_H_
#define CAIRN_EDGE_LOOP_DRAIN_H_

#include <absl/random/random.h>
#include <absl/time/time.h>

#include <functional>
#include <optional>

#include "edge/acceptor.h"
#include "edge/connection_table.h"
#include "edge/drain_schedule.h"
#include "edge/handover.h"
#include "edge/lane.h"

namespace cairn::edge {

class LoopDrain {
 public:
  // How often Continue() is called, so that the closes are spread evenly.
  static constexpr absl::Duration kTick = absl::Milliseconds(20);

  LoopDrain(ConnectionContext& context, ConnectionTable& connections, Acceptor& acceptor)
      : context_(context), connections_(connections), acceptor_(acceptor) {}

  // `done` is called once, by Continue().
  void Begin(absl::Duration window, std::optional<Handover> handover, std::function<void()> done);
  // REQUIRES: Begin() has been called.
  void Continue();

 private:
  void SayGoodbye(absl::Duration now);
  // Closes this tick's share of the connections.
  void CloseShare(absl::Duration now);

  // Borrowed; must outlive this.
  ConnectionContext& context_;
  ConnectionTable& connections_;
  Acceptor& acceptor_;
  // Loop thread only.
  std::optional<Handover> handover_;
  absl::Duration handover_end_;
  DrainSchedule schedule_;
  absl::Duration goodbye_end_ = absl::InfiniteDuration();
  std::function<void()> done_;
  absl::BitGen random_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LOOP_DRAIN_H_

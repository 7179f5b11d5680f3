#include "edge/loop_drain.h"

#include <algorithm>
#include <utility>

#include "proto/link/timing.h"

namespace cairn::edge {

void LoopDrain::Begin(absl::Duration window, std::optional<Handover> handover,
                      std::function<void()> done) {
  const absl::Duration now = context_.Now();
  context_.draining = true;
  handover_ = handover;
  if (handover_) {
    acceptor_.BeginHandover(*handover_);
    handover_end_ = now + Handover::kLinger;
  } else {
    acceptor_.Close(handover_);
  }
  schedule_.Begin(now, window, context_.session.limits.close_timeout);
  done_ = std::move(done);
}

void LoopDrain::Continue() {
  const absl::Duration now = context_.Now();
  if (acceptor_.open() && now >= handover_end_) acceptor_.Close(handover_);
  const bool all_closed = connections_.size() == 0 && !acceptor_.open();
  if (all_closed || schedule_.IsOver(now)) return SayGoodbye(now);
  CloseShare(now);
}

void LoopDrain::SayGoodbye(absl::Duration now) {
  Lane& lane = context_.session.lane;
  lane.SayGoodbye();
  goodbye_end_ = std::min(goodbye_end_, now + absl::FromChrono(link::kGoodbyeTimeout));
  if (done_ && (lane.finished() || now >= goodbye_end_)) std::exchange(done_, nullptr)();
}

void LoopDrain::CloseShare(absl::Duration now) {
  size_t open = 0;
  for (const auto& connection : connections_) open += connection->drained() ? 0 : 1;
  size_t due = schedule_.Due(now, kTick, open);
  for (const auto& connection : connections_) {
    if (due == 0) break;
    if (connection->drained()) continue;
    // Clients reconnect spread over the same time in which they are closed.
    connection->Drain(schedule_.window() * absl::Uniform<double>(random_, 0, 1));
    --due;
  }
}

}  // namespace cairn::edge

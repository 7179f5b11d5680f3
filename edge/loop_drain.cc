// The end of a loop: it stops accepting, and closes its connections gradually.
#include <sys/epoll.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "edge/loop.h"
#include "proto/link/timing.h"

namespace cairn::edge {

void Loop::Drain(absl::Duration window, std::optional<Handover> handover,
                 std::function<void()> done) {
  Post([this, window, handover, done = std::move(done)] {
    draining_ = true;
    handover_ = handover;
    if (handover_) {
      handover_->Begin(listener_.fd());
      handover_end_ = Now() + Handover::kLinger;
    } else {
      CloseListener();
    }
    drain_.Begin(Now(), window, shared_.limits.close_timeout);
    drained_ = done;
    ScheduleTick();
  });
}

// Connections that the kernel has already accepted are served; closing the listener would reset
// them.
void Loop::CloseListener() {
  if (handover_) handover_->BeforeClose(listener_.fd());
  if (!listener_.shared()) AcceptAll(std::numeric_limits<int>::max());
  // Another process may keep the socket open, so closing our descriptor does not end it.
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_.fd(), nullptr);
  listener_.Close();
}

void Loop::CloseDrainShare() {
  const absl::Duration now = Now();
  if (listener_.open() && now >= handover_end_) CloseListener();
  if ((slots_.empty() && !listener_.open()) || drain_.IsOver(now)) {
    lane_.SayGoodbye();
    goodbye_end_ = std::min(goodbye_end_, now + absl::FromChrono(link::kGoodbyeTimeout));
    if (drained_ && (lane_.finished() || now >= goodbye_end_)) std::exchange(drained_, nullptr)();
    return;
  }
  size_t open = 0;
  for (const Slot& slot : slots_) open += slot.connection->drained() ? 0 : 1;
  size_t due = drain_.Due(now, kDrainTick, open);
  for (const Slot& slot : slots_) {
    if (due == 0) break;
    if (slot.connection->drained()) continue;
    // Clients reconnect spread over the same time in which they are closed.
    slot.connection->Drain(drain_.window() * absl::Uniform<double>(random_, 0, 1));
    --due;
  }
}

}  // namespace cairn::edge

// The figures of a loop: for the core, for operators, and for metrics.
#include <algorithm>

#include "edge/loop.h"

namespace cairn::edge {
namespace {

constexpr absl::Duration kReportInterval = absl::Seconds(2);
// The maximum age of the figures of clients' queues; there may be many queues.
constexpr absl::Duration kQueueGaugesInterval = absl::Seconds(1);

}  // namespace

// Figures of age kReportInterval are good enough for operators; a loop with many active peers
// reports them over several ticks.
void Loop::Report(absl::Duration now) {
  if (now < next_report_) return;
  shared_.cores.Note(lane_.identity().lane_index, link_->connected() ? link_->core_id() : 0,
                     link_->fleet());
  const std::shared_ptr<const TlsContext> tls = shared_.tls.Get();
  lane_.SetSurroundings(tls ? absl::ToUnixMicros(tls->not_after()) : 0, shared_.cores.cores());
  const bool more = lane_.Report(draining_);
  if (!more) next_report_ = now + kReportInterval;
}

void Loop::SetGauges(absl::Duration now) {
  gauges_.connections.Set(slots_.size());
  gauges_.sessions.Set(lane_.member_count());
  gauges_.paused.Set(paused_.size());
  gauges_.rate_paused.Set(rate_paused_.size());
  gauges_.unread_bytes.Set(link_->unread_cost());
  gauges_.seen_lanes.Set(lane_.seen_lanes());
  if (now < next_queue_gauges_) return;
  next_queue_gauges_ = now + kQueueGaugesInterval;
  size_t sum = 0, max = 0;
  for (const Connection* connection : blocked_) {
    sum += connection->queued_bytes();
    max = std::max(max, connection->queued_bytes());
  }
  gauges_.queued_bytes.Set(sum);
  gauges_.max_queued_bytes.Set(max);
}

void Loop::AddTo(EdgeSnapshot& snapshot) const {
  snapshot.Add(counters_);
  snapshot.Add(gauges_);
  snapshot.lanes.push_back(
      {lane_.identity().lane_index, link_->connected(), lane_.backlog_bytes()});
  snapshot.batch_events.Add(link_->batches().Values());
}

}  // namespace cairn::edge

#include "edge/loop_figures.h"

#include <memory>

namespace cairn::edge {
namespace {

// Figures of that age are good enough for operators.
constexpr absl::Duration kReportInterval = absl::Seconds(2);
// The maximum age of the figures of clients' queues; there may be many queues.
constexpr absl::Duration kQueueGaugesInterval = absl::Seconds(1);

}  // namespace

void LoopFigures::Report(const CoreLink& link) {
  const absl::Duration now = context_.Now();
  if (now < next_report_) return;
  Lane& lane = context_.session.lane;
  shared_.cores.Note(lane.identity().lane_index, link.connected() ? link.core_id() : 0,
                     link.fleet());
  const std::shared_ptr<const TlsContext> tls = shared_.tls.Get();
  lane.SetSurroundings(tls ? absl::ToUnixMicros(tls->not_after()) : 0, shared_.cores.cores());
  const bool more = lane.Report(context_.draining);
  if (!more) next_report_ = now + kReportInterval;
}

void LoopFigures::Set(CoreLink& link) {
  const Lane& lane = context_.session.lane;
  gauges_.connections.Set(connections_.size());
  gauges_.sessions.Set(lane.member_count());
  gauges_.paused.Set(context_.pressure.paused());
  gauges_.rate_paused.Set(context_.pressure.awaiting_tokens());
  gauges_.unread_bytes.Set(link.unread_cost());
  gauges_.seen_lanes.Set(lane.seen_lanes());
  const absl::Duration now = context_.Now();
  if (now < next_queue_gauges_) return;
  next_queue_gauges_ = now + kQueueGaugesInterval;
  const auto queues = context_.pressure.BlockedQueues();
  gauges_.queued_bytes.Set(queues.sum);
  gauges_.max_queued_bytes.Set(queues.max);
}

}  // namespace cairn::edge

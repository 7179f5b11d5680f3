#include "edge/loop.h"

#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace cairn::edge {
namespace {

// How late a deadline may be noticed, and the interval at which a paused listener tries again.
constexpr absl::Duration kTick = absl::Milliseconds(100);
// A connection whose upgrade takes longer is closed when no more can be accepted.
constexpr absl::Duration kSilenceWithoutDescriptors = absl::Seconds(1);

TokenBucket::Rate RateOf(size_t per_second, size_t burst_factor) {
  return {static_cast<double>(per_second), static_cast<double>(per_second * burst_factor)};
}

}  // namespace

Loop::Loop(EdgeShared& shared, LaneIdentity identity, Listener listener, LinkFactory& links,
           std::function<void()> on_drain_order)
    : shared_(shared),
      poller_(tasks_.wake_fd()),
      lane_(std::move(identity), shared.limits, counters_, shared.clock),
      link_(links.NewLink(lane_.identity(), lane_, *this)),
      read_buffer_(std::make_unique<char[]>(kReadBuffer)),
      peers_(lane_.identity().secret),
      turn_(lane_),
      pressure_(lane_, turn_, shared.Share(shared.limits.max_queued_total)),
      deadlines_(shared.limits, shared.Share(shared.limits.max_handshakes)),
      context_{shared.clock,
               shared.close_log,
               shared.connection_limiter,
               peers_,
               poller_,
               turn_,
               pressure_,
               deadlines_,
               {lane_, shared.limits, counters_, reader_, shared.log_peers},
               {read_buffer_.get(), kReadBuffer},
               spare_buffers_,
               RateOf(shared.limits.rate_messages, shared.limits.rate_burst_factor),
               RateOf(shared.limits.rate_deliveries, shared.limits.deliveries_burst_factor)},
      connections_(context_),
      acceptor_(shared, context_, connections_, std::move(listener)),
      figures_(shared, context_, connections_),
      drain_(context_, connections_, acceptor_) {
  lane_.SetOrders({std::move(on_drain_order), [](const std::string& directives) {
                     log::Info(log::Edge(), "log_level", {{"directives", log::Text(directives)}});
                     InitLog(LogFilter::Parse(directives));
                   }});
}

Loop::~Loop() { CAIRN_CHECK(!thread_.joinable()); }

void Loop::Start() {
  // Not before: in one process the core may still be joining its fleet.
  lane_.Connect(link_.get());
  ScheduleTick();
  thread_ = std::thread([this] {
    Run();
    connections_.Clear();
    link_.reset();
  });
}

void Loop::Drain(absl::Duration window, std::optional<Handover> handover,
                 std::function<void()> done) {
  Post([this, window, handover, done = std::move(done)] {
    drain_.Begin(window, handover, done);
    ScheduleTick();
  });
}

void Loop::Join() {
  tasks_.Post([this] { joining_ = true; });
  thread_.join();
}

void Loop::AddTo(EdgeSnapshot& snapshot) const {
  snapshot.Add(counters_);
  snapshot.Add(figures_.gauges());
  snapshot.lanes.push_back(
      {lane_.identity().lane_index, link_->connected(), lane_.backlog_bytes()});
  snapshot.batch_events.Add(link_->batches().Values());
}

void Loop::Post(std::function<void()> task) { tasks_.Post(std::move(task)); }

void Loop::PostAfter(absl::Duration wait, std::function<void()> task) {
  tasks_.PostAfter(wait, std::move(task));
}

// ---- one turn

// The work that a turn has left and sockets that have become ready alternate.
void Loop::Run() {
  while (!joining_) {
    ServeSockets();
    tasks_.RunDue([this] { FinishTurn(); });
    if (std::exchange(turn_due_, false)) OnNextTurn();
  }
}

void Loop::ServeSockets() {
  if (!poller_.Collect(turn_due_ ? 0 : tasks_.MillisecondsToSleep())) return;
  lane_.SetReadTime(absl::ToUnixMicros(shared_.clock.WallTime()));
  while (turn_.may_hear() && poller_.HandleNext()) lane_.FlushLarge();
  FinishTurn();
}

void Loop::OnNextTurn() {
  lane_.SetReadTime(absl::ToUnixMicros(shared_.clock.WallTime()));
  lane_.DeliverWaiting();
  turn_.TakeTurns();
  FinishTurn();
}

void Loop::FinishTurn() {
  Settle();
  if (pressure_.may_resume()) {
    pressure_.Resume();
    Settle();
  }
  turn_.End();
  turn_due_ = turn_.has_more();
}

void Loop::Settle() {
  turn_.Settle([this](Connection& connection) { connections_.Remove(connection); });
}

// ---- deadlines

void Loop::ScheduleTick() {
  PostAfter(context_.draining ? LoopDrain::kTick : kTick, [this, tick = ++tick_] {
    if (tick != tick_) return;
    OnTick();
    ScheduleTick();
  });
}

void Loop::OnTick() {
  const absl::Duration now = context_.Now();
  while (Connection* connection = deadlines_.PopDue(now)) connection->OnDeadline();
  if (acceptor_.paused()) {
    // Usually descriptors are what is missing.
    TurnSilentAway();
    acceptor_.Retry();
  }
  pressure_.ResumeWithTokens();
  figures_.Report(*link_);
  lane_.EndQueries();
  lane_.Tick();
  link_->Tick();
  if (context_.draining) drain_.Continue();
  FinishTurn();
  figures_.Set(*link_);
}

void Loop::TurnSilentAway() {
  const absl::Duration now = context_.Now();
  for (int i = 0; i < Acceptor::kAcceptsPerTurn; ++i) {
    Connection* silent = deadlines_.PopSilent(kSilenceWithoutDescriptors, now);
    if (!silent) return;
    silent->TurnAway();
  }
}

}  // namespace cairn::edge

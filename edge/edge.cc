#include "edge/edge.h"

#include <absl/random/random.h>

#include <atomic>
#include <utility>

#include "base/log.h"
#include "edge/loop.h"

namespace cairn::edge {

absl::StatusOr<std::unique_ptr<Edge>> Edge::Open(EdgeOptions options, LinkFactory& links,
                                                 const Clock& clock) {
  std::unique_ptr<Edge> edge(new Edge());
  const int64_t tls_not_after_us = options.tls ? absl::ToUnixMicros(options.tls->not_after()) : 0;
  edge->shared_.reset(new EdgeShared{
      options.limits,
      Reloadable<BearerTokens>(std::make_shared<const BearerTokens>(std::move(options.tokens))),
      Reloadable<TlsContext>(std::move(options.tls)), Census(options.limits), clock,
      std::move(options.proxy_trust)});
  absl::BitGen random;
  edge->address_ = options.listen_address;
  for (int i = 0; i < options.loops; ++i) {
    // Port 0 is chosen once; the other loops follow.
    absl::StatusOr<Listener> listener = Listener::Open(edge->address_);
    if (!listener.ok()) return listener.status();
    edge->address_ = listener->address();
    LaneIdentity identity;
    identity.lane_id = absl::Uniform<uint64_t>(absl::IntervalClosed, random, 1, ~uint64_t{0});
    identity.edge = options.name;
    identity.lane_index = static_cast<uint32_t>(i);
    identity.version = options.version;
    identity.tls_not_after_us = tls_not_after_us;
    edge->loops_.push_back(std::make_unique<Loop>(
        *edge->shared_, std::move(identity), *std::move(listener), links, options.on_drain_order));
  }
  return edge;
}

Edge::~Edge() = default;

void Edge::Start() {
  for (const auto& loop : loops_) loop->Start();
}

void Edge::SetTokens(BearerTokens tokens) {
  shared_->tokens.Set(std::make_shared<const BearerTokens>(std::move(tokens)));
}

void Edge::SetTls(std::shared_ptr<const TlsContext> tls) { shared_->tls.Set(std::move(tls)); }

void Edge::Drain(absl::Duration window, std::function<void()> done) {
  const auto handover = Handover::ToLaterSockets(address_, static_cast<uint32_t>(loops_.size()));
  if (handover) log::Edge().info("handing_over listen={}", address_.ToString());
  auto left = std::make_shared<std::atomic<size_t>>(loops_.size());
  for (const auto& loop : loops_) {
    loop->Drain(window, handover, [left, done] {
      if (left->fetch_sub(1) == 1) done();
    });
  }
}

void Edge::Stop() {
  for (const auto& loop : loops_) loop->Join();
  LogCounters();
}

void Edge::LogCounters() const {
  const auto sum = [this](auto&& counter_of) {
    uint64_t total = 0;
    for (const auto& loop : loops_) total += counter_of(loop->counters()).Get();
    return total;
  };
  log::Edge().info("edge_totals accepted={} upgraded={} messages_in={} frames_delivered={}",
                   sum([](const EdgeCounters& c) -> const Counter& { return c.accepted; }),
                   sum([](const EdgeCounters& c) -> const Counter& { return c.upgraded; }),
                   sum([](const EdgeCounters& c) -> const Counter& { return c.messages_in; }),
                   sum([](const EdgeCounters& c) -> const Counter& { return c.frames_delivered; }));
  for (size_t i = 0; i < kCloseReasonCount; ++i) {
    const uint64_t n = sum([i](const EdgeCounters& c) -> const Counter& { return c.closes[i]; });
    if (n > 0)
      log::Edge().info("edge_closes reason={} count={}", Name(static_cast<CloseReason>(i)), n);
  }
  for (size_t i = 0; i < kDropReasonCount; ++i) {
    const uint64_t n = sum([i](const EdgeCounters& c) -> const Counter& { return c.drops[i]; });
    if (n > 0)
      log::Edge().info("edge_drops reason={} count={}", Name(static_cast<DropReason>(i)), n);
  }
}

}  // namespace cairn::edge

#include "edge/edge.h"

#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "edge/edge_shared.h"
#include "edge/loop.h"
#include "proto/link/identity.h"

namespace cairn::edge {
namespace {

// SO_REUSEPORT lets a second process listen, which is how one takes over from another. If that
// happened by mistake, the first process would keep its clients and nobody would notice.
void WarnOfOthers(const SocketAddress& address, bool takes_over) {
  log::Warn(log::Edge(), "port_shared",
            {{"listen", address.ToString()},
             {"hint",
              log::Text(takes_over ? "another process serves this address: new clients come here, "
                                     "the others stay there; stop one of the two"
                                   : "another process serves this address too, and clients are "
                                     "shared out; both must have the same core")}});
}

}  // namespace

absl::StatusOr<std::unique_ptr<Edge>> Edge::Open(EdgeOptions options, LinkFactory& links,
                                                 const Clock& clock) {
  std::unique_ptr<Edge> edge(new Edge());
  const int64_t tls_not_after_us = options.tls ? absl::ToUnixMicros(options.tls->not_after()) : 0;
  edge->shared_.reset(new EdgeShared{
      options.limits,
      Reloadable<BearerTokens>(std::make_shared<const BearerTokens>(std::move(options.tokens))),
      Reloadable<TlsContext>(std::move(options.tls)), ConnectionLimiter(options.limits), clock,
      std::move(options.proxy_trust), options.log_peers, CloseLog(clock),
      static_cast<size_t>(options.loops), CoreSight(static_cast<size_t>(options.loops), clock)});
  const bool may_share = !options.listening_socket.valid() && options.listen_address.port() != 0;
  const uint32_t earlier = may_share ? Handover::CountListening(options.listen_address) : 0;
  edge->address_ = options.listen_address;
  edge->shared_socket_ = options.listening_socket.valid();
  for (int i = 0; i < options.loops; ++i) {
    // Port 0 is resolved once; the other loops use the same port.
    absl::StatusOr<Listener> listener = options.listening_socket.valid()
                                            ? Listener::Share(options.listening_socket, clock)
                                            : Listener::Open(edge->address_, clock);
    if (!listener.ok()) return listener.status();
    edge->address_ = listener->address();
    LaneIdentity identity;
    // Not by absl::BitGen, which is predictable: the secret is all that is needed to take the
    // lane's place.
    identity.secret.resize(link::kSecretBytes);
    CAIRN_CHECK(getrandom(identity.secret.data(), identity.secret.size(), 0) ==
                static_cast<ssize_t>(identity.secret.size()));
    identity.lane_id = link::LaneIdOf(identity.secret);
    identity.edge = options.name;
    identity.lane_index = static_cast<uint32_t>(i);
    identity.version = options.version;
    identity.tls_not_after_us = tls_not_after_us;
    edge->loops_.push_back(std::make_unique<Loop>(
        *edge->shared_, std::move(identity), *std::move(listener), links, options.on_drain_order));
  }
  if (earlier > 0) WarnOfOthers(options.listen_address, options.takes_over);
  if (earlier > 0 && options.takes_over) {
    edge->leaves_port_ = options.serves_later;
    if (edge->leaves_port_) {
      edge->loops_.front()->TakeOverPort(0, earlier);
    } else {
      edge->loops_.front()->TakeOverPort(earlier, static_cast<uint32_t>(options.loops));
    }
  }
  return edge;
}

Edge::~Edge() = default;

EdgeSnapshot Edge::Snapshot() const {
  EdgeSnapshot snapshot;
  for (const auto& loop : loops_) loop->AddTo(snapshot);
  if (const std::shared_ptr<const TlsContext> tls = shared_->tls.Get())
    snapshot.tls_not_after = tls->not_after();
  snapshot.cores = shared_->cores.cores();
  return snapshot;
}

void Edge::Start() {
  if (leaves_port_) {
    // The other process may have ended meanwhile.
    const auto own = static_cast<uint32_t>(loops_.size());
    const uint32_t all = Handover::CountListening(address_);
    loops_.front()->TakeOverPort(std::max(all, own) - own, own);
  }
  for (const auto& loop : loops_) loop->Start();
}

void Edge::SetTokens(BearerTokens tokens) {
  shared_->tokens.Set(std::make_shared<const BearerTokens>(std::move(tokens)));
}

void Edge::SetTls(std::shared_ptr<const TlsContext> tls) { shared_->tls.Set(std::move(tls)); }

void Edge::Drain(absl::Duration window, const std::function<void()>& done) {
  // If others keep the socket open, they will accept the connections that wait in its queue.
  const auto handover =
      shared_socket_ ? std::nullopt
                     : Handover::ToLaterSockets(address_, static_cast<uint32_t>(loops_.size()));
  if (handover) log::Info(log::Edge(), "handing_over", {{"listen", address_.ToString()}});
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
  EdgeSnapshot totals;
  for (const auto& loop : loops_) totals.Add(loop->counters());
  uint64_t messages_in = 0;
  for (const EdgeSnapshot::Traffic& form : totals.in) messages_in += form.messages;
  const auto json = static_cast<size_t>(MessageForm::kJson);
  log::Info(log::Edge(), "edge_totals",
            {{"accepted", totals.accepted},
             {"upgraded", totals.upgraded},
             {"messages_in", messages_in},
             {"json_messages_in", totals.in[json].messages},
             {"json_answers", totals.out[json].messages},
             {"frames_delivered", totals.frames_delivered}});
  for (size_t i = 0; i < kCloseReasonCount; ++i) {
    if (totals.closes[i] == 0) continue;
    log::Info(log::Edge(), "edge_closes",
              {{"reason", Name(static_cast<CloseReason>(i))}, {"count", totals.closes[i]}});
  }
  for (size_t i = 0; i < kDropReasonCount; ++i) {
    if (totals.drops[i] == 0) continue;
    log::Info(log::Edge(), "edge_drops",
              {{"reason", Name(static_cast<DropReason>(i))}, {"count", totals.drops[i]}});
  }
}

}  // namespace cairn::edge

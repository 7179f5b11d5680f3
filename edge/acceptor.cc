#include "edge/acceptor.h"

#include <sys/epoll.h>

#include <cstring>
#include <limits>
#include <memory>

#include "base/log.h"

namespace cairn::edge {

Acceptor::Acceptor(EdgeShared& shared, ConnectionContext& context, ConnectionTable& connections,
                   Listener listener)
    : shared_(shared),
      context_(context),
      connections_(connections),
      listener_(std::move(listener)) {
  Watch();
}

void Acceptor::Watch() {
  if (!context_.poller.Add(listener_.fd(), EPOLLIN, *this)) listener_.Pause();
}

void Acceptor::Retry() {
  listener_.Retry();
  Watch();
}

void Acceptor::OnSocketReady(uint32_t) { AcceptAll(kAcceptsPerTurn); }

void Acceptor::AcceptAll(int most) {
  while (most-- > 0) {
    std::optional<Accepted> accepted = listener_.Accept();
    if (!accepted) break;
    Adopt(*std::move(accepted));
  }
  // Level-triggered: a listener that cannot accept would spin.
  if (listener_.paused()) context_.poller.Remove(listener_.fd(), *this);
}

void Acceptor::Adopt(Accepted accepted) {
  context_.session.counters.accepted.Add();
  auto handshake =
      std::make_unique<Handshake>(accepted.peer, shared_.proxy_trust, shared_.tokens.Get(),
                                  shared_.limits.max_request_head_bytes);
  ConnectionLimiter::Verdict verdict =
      context_.limiter.Enter(handshake->behind_proxy ? "" : accepted.peer.Network());
  if (verdict.overflow) return CountRefused(*verdict.refusal, accepted.peer);
  const int fd = accepted.fd.get();
  Stream::SetOptions(fd, shared_.limits.tcp_user_timeout);
  SslPtr ssl;
  if (const std::shared_ptr<const TlsContext> tls = shared_.tls.Get()) {
    ssl = tls->NewServerConnection(fd);
    if (!ssl) {
      context_.limiter.Leave(verdict);
      return CountRefused(CloseReason::kTlsFailed, accepted.peer);
    }
  }
  auto connection =
      std::make_unique<Connection>(context_, Stream(std::move(accepted.fd), std::move(ssl)),
                                   std::move(handshake), std::move(verdict));
  if (const int error = connections_.Add(std::move(connection)); error != 0)
    CountRefused(CloseReason::kEdgeFull, accepted.peer, std::strerror(error));
}

void Acceptor::CountRefused(CloseReason reason, const SocketAddress& peer, std::string_view error) {
  EdgeCounters& counters = context_.session.counters;
  counters.Count(reason);
  counters.CountRefusal(reason);
  context_.close_log.Note(reason,
                          reason == CloseReason::kTlsFailed ? Stream::LastTlsError() : error);
  if (!shared_.log_peers) return;
  log::Info(log::Edge(), "peer_refused", {{"remote", peer.ToString()}, {"reason", Name(reason)}});
}

void Acceptor::Close(const std::optional<Handover>& handover) {
  if (handover) handover->BeforeClose(listener_.fd());
  if (!listener_.shared()) AcceptAll(std::numeric_limits<int>::max());
  if (handover) handover->Leave(listener_.fd());
  // Another process may keep the socket open, so closing our descriptor does not end it.
  context_.poller.Remove(listener_.fd(), *this);
  listener_.Close();
}

}  // namespace cairn::edge

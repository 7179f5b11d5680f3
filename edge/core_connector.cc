#include "edge/core_connector.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <sys/epoll.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "proto/link/timing.h"

namespace cairn::edge {

CoreConnector::CoreConnector(LoopExecutor& executor, const CoreTarget& target,
                             std::shared_ptr<const CoreTls> tls, NameLookup& lookup,
                             Dialer::Wishes wishes, absl::Duration patience, Done done)
    : executor_(executor), target_(target), tls_(std::move(tls)), done_(std::move(done)) {
  dialer_.emplace(
      executor_, target_, lookup, std::move(wishes),
      [this](absl::StatusOr<Dialer::Connected> connected) { OnConnected(std::move(connected)); });
  FailAfter(patience, "connection", /*while_dialing=*/true);
}

CoreConnector::~CoreConnector() {
  if (socket_) executor_.sockets()->ForgetSocket(socket_->fd());
}

void CoreConnector::OnConnected(absl::StatusOr<Dialer::Connected> connected) {
  if (!done_) return;
  if (!connected.ok()) return Finish(connected.status());
  address_ = std::move(connected->address);
  preferred_ = connected->preferred;
  alone_ = connected->alone;
  const int fd = connected->fd.get();
  SslPtr ssl;
  if (tls_) {
    ssl = tls_->NewConnection(fd, target_.CertificateName());
    if (!ssl) return Fail("out of memory for TLS");
  }
  Stream::SetOptions(fd, absl::FromChrono(link::kKeepaliveTimeout));
  socket_.emplace(std::move(connected->fd), std::move(ssl));
  if (!tls_) return Finish(*std::exchange(socket_, std::nullopt));
  FailAfter(absl::FromChrono(link::kHandshakeTimeout), "end of the TLS handshake",
            /*while_dialing=*/false);
  Handshake();
}

void CoreConnector::OnSocketReady(uint32_t) {
  if (done_) Handshake();
}

void CoreConnector::Handshake() {
  switch (socket_->Handshake()) {
    case Stream::Status::kOk:
      break;
    case Stream::Status::kWantRead:
      return Watch(EPOLLIN);
    case Stream::Status::kWantWrite:
      return Watch(EPOLLIN | EPOLLOUT);
    case Stream::Status::kClosed:
    case Stream::Status::kLost:
      return Fail(absl::StrCat("TLS: ", HandshakeFailure(*socket_->ssl(), "the core")));
  }
  if (!CoreTls::SpeaksHttp2(*socket_->ssl())) return Fail("TLS: no HTTP/2 there");
  executor_.sockets()->ForgetSocket(socket_->fd());
  Finish(*std::exchange(socket_, std::nullopt));
}

// Must be the last statement: the connector may be destroyed by it.
void CoreConnector::Watch(uint32_t epoll_events) {
  if (std::exchange(watched_, epoll_events) == epoll_events) return;
  if (!executor_.sockets()->WatchSocket(socket_->fd(), epoll_events, *this))
    Fail(std::strerror(errno));
}

void CoreConnector::FailAfter(absl::Duration wait, const char* missing, bool while_dialing) {
  executor_.PostAfter(wait,
                      [this, alive = std::weak_ptr<bool>(alive_), wait, missing, while_dialing] {
                        if (alive.expired() || !done_ || while_dialing != address_.empty()) return;
                        Finish(absl::UnavailableError(
                            absl::StrCat(address_.empty() ? target_.Authority() : address_, ": no ",
                                         missing, " within ", absl::FormatDuration(wait))));
                      });
}

void CoreConnector::Fail(const std::string& why) {
  Finish(absl::UnavailableError(absl::StrCat(address_, ": ", why)));
}

// Must be the last statement: the connector may be destroyed by it.
void CoreConnector::Finish(absl::StatusOr<Stream> result) {
  if (done_) std::exchange(done_, nullptr)(std::move(result));
}

}  // namespace cairn::edge

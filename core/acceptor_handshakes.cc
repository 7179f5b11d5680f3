// TLS handshakes at the core's port: in turn for each address, a few at a time, so that strangers
// who begin many delay mostly each other.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/has_left.h"
#include "core/acceptor_thread.h"
#include "core/client_hello.h"
#include "core/lane_tls.h"
#include "proto/link/grpc_messages.h"

namespace cairn::core {
namespace {

// A client's first record, which is longer only if it offers much.
constexpr size_t kHelloBytes = 4 << 10;
// With a long RSA key one takes some milliseconds.
constexpr absl::Duration kHandshakesPerTurn = absl::Milliseconds(2);
// gRPC makes all handshakes that it has before it serves other connections on the same thread. At
// most this many may wait there; their number is checked this often.
constexpr size_t kWaitingAtGrpc = 4;
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(10);
// How long to wait at most for gRPC to begin with one.
constexpr absl::Duration kLongestWait = absl::Seconds(1);

// Whether gRPC has not read yet what has come.
bool HasUnread(int fd) {
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

}  // namespace

void AcceptorThread::BeginTls(PendingMap::iterator it) {
  Pending& pending = it->second;
  char buffer[kHelloBytes];
  const ssize_t size = recv(pending.arrived.get(), buffer, sizeof buffer, MSG_PEEK);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    log_.TlsFailed();
    return End(it);
  }
  const std::shared_ptr<const LaneTls> lanes = tls_->Get()->lanes;
  if (!lanes || !OffersProtocol({buffer, static_cast<size_t>(size)}, link::kLaneProtocol))
    return AwaitGrpc(it);
  SslPtr ssl = lanes->NewConnection(pending.arrived.get());
  if (!ssl) return End(it);
  pending.connection =
      UnauthenticatedConnection(LaneSocket(std::move(pending.arrived), std::move(ssl)));
  AwaitHandshake(it);
}

void AcceptorThread::AwaitHandshake(PendingMap::iterator it) {
  Pending& pending = it->second;
  if (std::exchange(pending.awaits_handshake, true)) return;
  if (std::exchange(pending.handshake_begun, true)) {
    handshakes_.AddFirst(it->first);
  } else {
    handshakes_.Add(it->first, pending.host);
  }
}

void AcceptorThread::ContinueHandshakes() {
  const absl::Duration until = clock_.Elapsed() + kHandshakesPerTurn;
  for (auto it = NextOf(handshakes_); it != unauthenticated_.end(); it = NextOf(handshakes_)) {
    Read(it);
    if (clock_.Elapsed() >= until) return;
  }
}

AcceptorThread::PendingMap::iterator AcceptorThread::NextOf(FairQueue<uint64_t>& queue) {
  while (const std::optional<uint64_t> id = queue.Next()) {
    const auto it = unauthenticated_.find(*id);
    Pending& pending = it->second;
    pending.awaits_handshake = false;
    const int fd = pending.arrived.valid() ? pending.arrived.get() : pending.connection.fd();
    if (!HasLeft(fd)) return it;
    // The bytes that it has left are worth no work.
    log_.TlsFailed();
    End(it);
  }
  return unauthenticated_.end();
}

void AcceptorThread::AwaitGrpc(PendingMap::iterator it) {
  it->second.awaits_handshake = true;
  // It would be ready all the time.
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, it->second.arrived.get(), nullptr);
  grpcs_handshakes_.Add(it->first, it->second.host);
}

void AcceptorThread::HandWaitingToGrpc() {
  const absl::Duration now = clock_.Elapsed();
  if (grpcs_handshakes_.empty() || now < next_for_grpc_) return;
  std::erase_if(handed_, [&](const Handed& handed) {
    const auto it = unauthenticated_.find(handed.id);
    return it == unauthenticated_.end() || now - handed.since > kLongestWait ||
           !HasUnread(it->second.copy.get());
  });
  next_for_grpc_ = now + kBetweenLooks;
  while (handed_.size() < kWaitingAtGrpc) {
    const auto it = NextOf(grpcs_handshakes_);
    if (it == unauthenticated_.end()) return;
    handed_.push_back({it->first, now});
    HandToGrpc(it);
  }
}

void AcceptorThread::HandToGrpc(PendingMap::iterator it) {
  Pending& pending = it->second;
  UniqueFd fd = std::move(pending.arrived);
  if (!GrpcsConnections().HasRoom(pending.host)) {
    log_.TurnedAway(ConnectionRefusal::kTooManyAuthenticated);
    return Forget(it);
  }
  pending.entry = AuthenticatedConnections::Of(fd.get(), pending.host);
  // gRPC gives all peers of a path the same name; the permissions of the path decide who can reach
  // it.
  if (socket_.is_unix()) {
    relayed_.Add(std::move(pending.entry));
    Forget(it);
    return hand_over_({LaneSocket(std::move(fd)), ""});
  }
  pending.copy = UniqueFd(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  // When gRPC closes it, it is shut down.
  if (!pending.copy.valid() || !Watch(pending.copy.get(), EPOLLRDHUP, it->first)) return Forget(it);
  hand_over_({LaneSocket(std::move(fd)), ""});
}

}  // namespace cairn::core

#include "core/grpc_acceptor.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/address.h"
#include "core/acceptor_thread.h"
#include "core/epoll_watch.h"
#include "core/receive_buffer.h"
#include "proto/link/timing.h"

namespace cairn::core {
namespace {

constexpr absl::Duration kTimeToAuthenticate = absl::Seconds(5);
static_assert(link::kConnectTimeout < std::chrono::seconds(5));
// How long a refused client may continue sending, so that it receives the answer.
constexpr absl::Duration kTimeToReadRefusal = absl::Seconds(1);
constexpr int kAcceptsPerTurn = 64;
// As many as may be waiting: those that wait for their handshake are ready all the time.
constexpr int kEventsPerTurn = 512;
// As gRPC's own listener sets it: unacknowledged data ends the connection.
constexpr int kUserTimeoutMs = 5000;

constexpr uint64_t kListenerId = 0, kWakeId = 1;

// As gRPC names it, without scheme, escapes and scope: "192.0.2.1:443", "[2001:db8::1]:443".
std::string Plain(std::string_view peer) {
  std::string plain = absl::StrReplaceAll(std::string(peer.substr(peer.find(':') + 1)),
                                          {{"%5B", "["}, {"%5D", "]"}, {"%25", "%"}});
  const size_t scope = plain.find('%');
  if (scope != std::string::npos) plain.erase(scope, plain.find(']') - scope);
  return plain;
}

// Of a Unix socket: the process of that user has connected it.
std::string UserOf(int fd) {
  ucred user = {};
  socklen_t size = sizeof user;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &size) != 0) return "user unknown";
  return absl::StrCat("user ", user.uid);
}

}  // namespace

AcceptorBounds AcceptorBounds::Of(int descriptor_limit) {
  const auto part = [descriptor_limit](int divisor) {
    return static_cast<size_t>(std::max(8, descriptor_limit / divisor));
  };
  return {std::min<size_t>(512, part(4)), part(2), part(4), part(8), part(16), kTimeToAuthenticate};
}

AcceptorThread::AcceptorThread(const GrpcSocket& socket, const Authority& authority,
                               const ReloadableTls* tls, GrpcAcceptor::HandOver hand_over,
                               const AcceptorBounds& bounds, const Clock& clock)
    : socket_(socket),
      authority_(authority),
      tls_(tls),
      hand_over_(std::move(hand_over)),
      bounds_(bounds),
      clock_(clock),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      authenticated_(bounds.max_authenticated, bounds.max_authenticated_per_address),
      relayed_(bounds.max_relayed, bounds.max_relayed_per_user),
      listener_(socket.fd(), epoll_.get(), kListenerId, clock),
      log_(clock) {
  Watch(wake_.get(), EPOLLIN, kWakeId);
}

void AcceptorThread::Start() {
  thread_ = std::thread([this] { Run(); });
}

void AcceptorThread::Stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  eventfd_write(wake_.get(), 1);
  thread_.join();
  while (!unauthenticated_.empty()) End(unauthenticated_.begin());
}

void AcceptorThread::Admit(const std::string& peer) {
  if (!tls_) return;
  {
    MutexLock lock(mu_);
    admitted_.push_back(Plain(peer));
  }
  eventfd_write(wake_.get(), 1);
}

void AcceptorThread::Run() {
  while (!stopping_) {
    epoll_event events[kEventsPerTurn];
    const absl::Duration wait =
        handshakes_.empty() ? NextTime() - clock_.Elapsed() : absl::ZeroDuration();
    const int timeout =
        wait == absl::InfiniteDuration()
            ? -1
            : static_cast<int>(std::max<int64_t>(0, absl::ToInt64Milliseconds(wait) + 1));
    const int count = epoll_wait(epoll_.get(), events, std::size(events), timeout);
    // First: one that has made its call may have left already, and is not a failed handshake.
    TakeAdmitted();
    bool arrivals = false;
    for (int i = 0; i < count; ++i) {
      const uint64_t id = events[i].data.u64;
      if (id == kListenerId) {
        arrivals = true;
      } else if (id == kWakeId) {
        eventfd_t ignored;
        eventfd_read(wake_.get(), &ignored);
      } else {
        OnEvent(id);
      }
    }
    ContinueHandshakes();
    HandWaitingToGrpc();
    EndLate();
    listener_.ResumeIfDue(clock_.Elapsed());
    // Last: connections that have presented a credential by now are not pending any more.
    if (arrivals) Accept();
  }
}

absl::Duration AcceptorThread::NextTime() const {
  absl::Duration next = listener_.resumes();
  if (!grpcs_handshakes_.empty()) next = std::min(next, next_for_grpc_);
  for (const auto& [id, pending] : unauthenticated_) next = std::min(next, pending.deadline);
  return next;
}

void AcceptorThread::Accept() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    if (unauthenticated_.size() >= bounds_.max_unauthenticated && !EvictOne(/*at_once=*/false))
      return listener_.PauseUntil(*order_.oldest() + EvictionOrder::kLeastTime);
    UniqueFd fd = listener_.Accept();
    // Each of them uses a descriptor that a caller with a credential could use.
    while (listener_.failed() && EvictOne(/*at_once=*/true)) fd = listener_.Accept();
    if (listener_.failed())
      return listener_.PauseUntil(clock_.Elapsed() + AcceptorListener::kPause);
    if (!fd.valid()) return;
    Enter(std::move(fd));
  }
}

bool AcceptorThread::EvictOne(bool at_once) {
  const std::optional<uint64_t> next = order_.Next(clock_.Elapsed(), at_once);
  if (!next) return false;
  const auto it = unauthenticated_.find(*next);
  if (!it->second.connection.leaving()) log_.TurnedAway(ConnectionRefusal::kTooMany);
  End(it);
  return true;
}

void AcceptorThread::Enter(UniqueFd fd) {
  const uint64_t id = next_id_++;
  Pending pending;
  pending.deadline = clock_.Elapsed() + bounds_.time_to_authenticate;
  if (socket_.is_unix()) {
    pending.host = UserOf(fd.get());
  } else {
    sockaddr_storage storage = {};
    socklen_t size = sizeof storage;
    if (getpeername(fd.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) return;
    const SocketAddress address = SocketAddress(storage, size).Unmapped();
    pending.host = address.Host();
    pending.peer = Plain("ip:" + address.ToString());
    ReceiveBuffer::Narrow(fd.get());
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeoutMs, sizeof kUserTimeoutMs);
  }
  if (!Watch(fd.get(), EPOLLIN, id)) return;
  if (tls_) {
    pending.arrived = std::move(fd);
  } else {
    pending.connection = UnauthenticatedConnection(LaneSocket(std::move(fd)));
  }
  order_.Add(id, pending.host, clock_.Elapsed());
  unauthenticated_.emplace(id, std::move(pending));
}

void AcceptorThread::TakeAdmitted() {
  std::vector<std::string> admitted;
  {
    MutexLock lock(mu_);
    admitted.swap(admitted_);
  }
  for (const std::string& peer : admitted) {
    const auto it = std::ranges::find(
        unauthenticated_, peer, [](const auto& entry) -> const auto& { return entry.second.peer; });
    if (it == unauthenticated_.end()) continue;
    authenticated_.Add(std::move(it->second.entry));
    Forget(it);  // the connection stays open
  }
}

void AcceptorThread::EndLate() {
  const absl::Duration now = clock_.Elapsed();
  for (auto it = unauthenticated_.begin(); it != unauthenticated_.end();) {
    const auto next = std::next(it);
    if (now >= it->second.deadline) {
      if (!it->second.connection.leaving()) log_.TurnedAway(ConnectionRefusal::kLate);
      End(it);
    }
    it = next;
  }
}

void AcceptorThread::OnEvent(uint64_t id) {
  const auto it = unauthenticated_.find(id);
  if (it == unauthenticated_.end()) return;
  if (it->second.arrived.valid()) return BeginTls(it);
  if (tls_ && it->second.connection.in_handshake()) return AwaitHandshake(it);
  if (!it->second.copy.valid()) return Read(it);
  log_.TlsFailed();
  End(it);
}

void AcceptorThread::Read(PendingMap::iterator it) {
  switch (it->second.connection.OnReadable(authority_)) {
    case UnauthenticatedConnection::Step::kWait:
      return;
    case UnauthenticatedConnection::Step::kLetIn:
      return LetIn(it);
    case UnauthenticatedConnection::Step::kRefused:
      log_.Refused(it->second.connection.refusal());
      it->second.deadline = clock_.Elapsed() + kTimeToReadRefusal;
      return;
    case UnauthenticatedConnection::Step::kBroken:
      log_.TurnedAway(ConnectionRefusal::kNotGrpc);
      return End(it);
    case UnauthenticatedConnection::Step::kEnd:
      if (tls_ && !it->second.connection.leaving()) log_.TlsFailed();
      return End(it);
  }
}

void AcceptorThread::LetIn(PendingMap::iterator it) {
  Pending& pending = it->second;
  UnauthenticatedConnection& connection = pending.connection;
  const bool is_lane = connection.is_lane();
  AuthenticatedConnections& those = is_lane ? authenticated_ : GrpcsConnections();
  if (!those.HasRoom(pending.host)) {
    log_.TurnedAway(ConnectionRefusal::kTooManyAuthenticated);
    connection.Refuse(absl::ResourceExhaustedError("too many connections to the core"));
    pending.deadline = clock_.Elapsed() + kTimeToReadRefusal;
    return;
  }
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection.fd(), nullptr);
  those.Add(AuthenticatedConnections::Of(connection.fd(), pending.host));
  if (is_lane) ReceiveBuffer::Widen(connection.fd());
  Credentials credentials = connection.credentials();
  hand_over_({connection.TakeSocket(), connection.received(), is_lane, std::move(credentials)});
  order_.Remove(it->first);
  unauthenticated_.erase(it);
}

void AcceptorThread::End(PendingMap::iterator it) {
  // gRPC's duplicate, which stays open when this one is closed.
  if (it->second.copy.valid()) shutdown(it->second.copy.get(), SHUT_RDWR);
  Forget(it);
}

void AcceptorThread::Forget(PendingMap::iterator it) {
  // A socket that is also open elsewhere stays in the epoll set when it is closed here.
  if (it->second.copy.valid())
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, it->second.copy.get(), nullptr);
  if (it->second.awaits_handshake) {
    handshakes_.Remove(it->first);
    grpcs_handshakes_.Remove(it->first);
  }
  order_.Remove(it->first);
  unauthenticated_.erase(it);
}

bool AcceptorThread::Watch(int fd, uint32_t events, uint64_t id) const {
  return EpollWatch(epoll_.get(), EPOLL_CTL_ADD, fd, events, id);
}

GrpcAcceptor::GrpcAcceptor(const GrpcSocket& socket, const Authority& authority,
                           const ReloadableTls* tls, HandOver hand_over,
                           const AcceptorBounds& bounds, const Clock& clock)
    : thread_(std::make_unique<AcceptorThread>(socket, authority, tls, std::move(hand_over), bounds,
                                               clock)) {}

GrpcAcceptor::~GrpcAcceptor() { Stop(); }

void GrpcAcceptor::Start() { thread_->Start(); }

void GrpcAcceptor::Stop() { thread_->Stop(); }

ConnectionRefusalValues GrpcAcceptor::Refused() const {
  ConnectionRefusalValues values;
  std::ranges::transform(thread_->refused(), values.begin(), &Counter::Get);
  return values;
}

void GrpcAcceptor::Admit(const std::string& peer) { thread_->Admit(peer); }

}  // namespace cairn::core

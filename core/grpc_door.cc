#include "core/grpc_door.h"

#include <absl/strings/str_replace.h>
#include <fcntl.h>
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
#include "core/door_porter.h"
#include "proto/link/timing.h"

namespace cairn::core {
namespace {

constexpr absl::Duration kTimeToShow = absl::Seconds(5);
static_assert(link::kConnectTimeout < std::chrono::seconds(5));
// How long a refused client may continue sending, so that it receives the answer.
constexpr absl::Duration kTimeToLeave = absl::Seconds(1);
constexpr int kAcceptsPerTurn = 64;
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

}  // namespace

DoorBounds DoorBounds::Of(int descriptor_limit) {
  const auto part = [descriptor_limit](int divisor) {
    return static_cast<size_t>(std::max(8, descriptor_limit / divisor));
  };
  return {std::min<size_t>(512, part(4)), part(2), part(4), kTimeToShow};
}

DoorPorter::DoorPorter(const GrpcSocket& socket, const Authority& authority, bool tls,
                       GrpcDoor::HandOver hand_over, const DoorBounds& bounds, const Clock& clock)
    : socket_(socket),
      authority_(authority),
      tls_(tls),
      hand_over_(std::move(hand_over)),
      bounds_(bounds),
      clock_(clock),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      guests_(bounds.max_inside, bounds.max_inside_per_address),
      listener_(socket.fd(), epoll_.get(), kListenerId, clock),
      log_(clock) {
  Watch(wake_.get(), EPOLLIN, kWakeId);
}

void DoorPorter::Start() {
  thread_ = std::thread([this] { Run(); });
}

void DoorPorter::Stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  eventfd_write(wake_.get(), 1);
  thread_.join();
  while (!strangers_.empty()) End(strangers_.begin());
}

void DoorPorter::Admit(const std::string& peer) {
  if (!tls_) return;
  {
    MutexLock lock(mu_);
    admitted_.push_back(Plain(peer));
  }
  eventfd_write(wake_.get(), 1);
}

void DoorPorter::Run() {
  while (!stopping_) {
    epoll_event events[64];
    const absl::Duration wait = NextTime() - clock_.Elapsed();
    const int timeout =
        wait == absl::InfiniteDuration()
            ? -1
            : static_cast<int>(std::max<int64_t>(0, absl::ToInt64Milliseconds(wait) + 1));
    const int count = epoll_wait(epoll_.get(), events, std::size(events), timeout);
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
    TakeAdmitted();
    EndLate();
    listener_.ResumeIfDue(clock_.Elapsed());
    // Last: connections that have presented a credential by now are not strangers any more.
    if (arrivals) Accept();
  }
}

absl::Duration DoorPorter::NextTime() const {
  absl::Duration next = listener_.resumes();
  for (const auto& [id, stranger] : strangers_) next = std::min(next, stranger.deadline);
  return next;
}

void DoorPorter::Accept() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    if (strangers_.size() >= bounds_.max_strangers && !MakePlace(/*at_once=*/false))
      return listener_.PauseUntil(*places_.oldest() + DoorPlaces::kLeastTime);
    UniqueFd fd = listener_.Accept();
    // Each stranger uses a descriptor that a caller with a credential could use.
    while (listener_.failed() && MakePlace(/*at_once=*/true)) fd = listener_.Accept();
    if (listener_.failed()) return listener_.PauseUntil(clock_.Elapsed() + DoorListener::kPause);
    if (!fd.valid()) return;
    Enter(std::move(fd));
  }
}

bool DoorPorter::MakePlace(bool at_once) {
  const std::optional<uint64_t> next = places_.Next(clock_.Elapsed(), at_once);
  if (!next) return false;
  const auto it = strangers_.find(*next);
  if (!it->second.visitor.leaving()) log_.TurnedAway("too_many");
  End(it);
  return true;
}

void DoorPorter::Enter(UniqueFd fd) {
  const uint64_t id = next_id_++;
  Stranger stranger;
  stranger.deadline = clock_.Elapsed() + bounds_.time_to_show;
  if (!socket_.is_unix()) {
    sockaddr_storage storage = {};
    socklen_t size = sizeof storage;
    if (getpeername(fd.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) return;
    const SocketAddress address = SocketAddress(storage, size).Unmapped();
    stranger.host = address.Host();
    stranger.peer = Plain("ip:" + address.ToString());
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeoutMs, sizeof kUserTimeoutMs);
  }
  if (tls_) return EnterTls(id, std::move(stranger), std::move(fd));
  if (!Watch(fd.get(), EPOLLIN, id)) return;
  stranger.visitor = DoorVisitor(std::move(fd));
  places_.Add(id, stranger.host, clock_.Elapsed());
  strangers_.emplace(id, std::move(stranger));
}

void DoorPorter::EnterTls(uint64_t id, Stranger stranger, UniqueFd fd) {
  if (!guests_.HasRoom(stranger.host)) return log_.TurnedAway("too_many_inside");
  stranger.guest = DoorGuests::Of(fd.get(), stranger.host);
  // gRPC gives all peers of a path the same name; the permissions of the path decide who can reach
  // it.
  if (socket_.is_unix()) {
    guests_.Add(std::move(stranger.guest));
    return hand_over_(std::move(fd), "");
  }
  stranger.copy = UniqueFd(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  // When gRPC closes it, it is shut down.
  if (!stranger.copy.valid() || !Watch(stranger.copy.get(), EPOLLRDHUP, id)) return;
  places_.Add(id, stranger.host, clock_.Elapsed());
  strangers_.emplace(id, std::move(stranger));
  hand_over_(std::move(fd), "");
}

void DoorPorter::TakeAdmitted() {
  std::vector<std::string> admitted;
  {
    MutexLock lock(mu_);
    admitted.swap(admitted_);
  }
  for (const std::string& peer : admitted) {
    const auto it = std::ranges::find(
        strangers_, peer, [](const auto& entry) -> const auto& { return entry.second.peer; });
    if (it == strangers_.end()) continue;
    guests_.Add(std::move(it->second.guest));
    Forget(it);  // the connection stays open
  }
}

void DoorPorter::EndLate() {
  const absl::Duration now = clock_.Elapsed();
  for (auto it = strangers_.begin(); it != strangers_.end();) {
    const auto next = std::next(it);
    if (now >= it->second.deadline) {
      if (!it->second.visitor.leaving()) log_.TurnedAway("late");
      End(it);
    }
    it = next;
  }
}

void DoorPorter::OnEvent(uint64_t id) {
  const auto it = strangers_.find(id);
  if (it == strangers_.end()) return;
  if (tls_) return End(it);
  Read(it);
}

void DoorPorter::Read(Strangers::iterator it) {
  switch (it->second.visitor.OnReadable(authority_)) {
    case DoorVisitor::Step::kWait:
      return;
    case DoorVisitor::Step::kLetIn:
      return LetIn(it);
    case DoorVisitor::Step::kRefused:
      log_.Refused(it->second.visitor.refusal());
      it->second.deadline = clock_.Elapsed() + kTimeToLeave;
      return;
    case DoorVisitor::Step::kBroken:
      log_.TurnedAway("not_grpc");
      return End(it);
    case DoorVisitor::Step::kEnd:
      return End(it);
  }
}

void DoorPorter::LetIn(Strangers::iterator it) {
  Stranger& stranger = it->second;
  DoorVisitor& visitor = stranger.visitor;
  if (!guests_.HasRoom(stranger.host)) {
    log_.TurnedAway("too_many_inside");
    visitor.Refuse(absl::ResourceExhaustedError("too many connections to the core"));
    stranger.deadline = clock_.Elapsed() + kTimeToLeave;
    return;
  }
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, visitor.fd(), nullptr);
  guests_.Add(DoorGuests::Of(visitor.fd(), stranger.host));
  hand_over_(visitor.TakeSocket(), visitor.received());
  places_.Remove(it->first);
  strangers_.erase(it);
}

void DoorPorter::End(Strangers::iterator it) {
  // gRPC's duplicate, which stays open when this one is closed.
  if (tls_) shutdown(it->second.copy.get(), SHUT_RDWR);
  Forget(it);
}

void DoorPorter::Forget(Strangers::iterator it) {
  // A socket that is also open elsewhere stays in the epoll set when it is closed here.
  if (tls_) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, it->second.copy.get(), nullptr);
  places_.Remove(it->first);
  strangers_.erase(it);
}

bool DoorPorter::Watch(int fd, uint32_t events, uint64_t id) const {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = id;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

GrpcDoor::GrpcDoor(const GrpcSocket& socket, const Authority& authority, bool tls,
                   HandOver hand_over, const DoorBounds& bounds, const Clock& clock)
    : porter_(std::make_unique<DoorPorter>(socket, authority, tls, std::move(hand_over), bounds,
                                           clock)) {}

GrpcDoor::~GrpcDoor() { Stop(); }

void GrpcDoor::Start() { porter_->Start(); }

void GrpcDoor::Stop() { porter_->Stop(); }

void GrpcDoor::Admit(const std::string& peer) { porter_->Admit(peer); }

}  // namespace cairn::core

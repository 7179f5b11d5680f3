#include "edge/dialer.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <iterator>
#include <utility>

namespace cairn::edge {
namespace {

SocketAddress UnixAddress(const std::string& path) {
  sockaddr_storage storage = {};
  auto* address = reinterpret_cast<sockaddr_un*>(&storage);
  address->sun_family = AF_UNIX;
  std::memcpy(address->sun_path, path.data(), std::min(path.size(), sizeof address->sun_path - 1));
  return {storage, sizeof(sockaddr_un)};
}

}  // namespace

// One connection attempt.
class Dialer::Attempt final : public SocketListener {
 public:
  Attempt(Dialer& dialer, Connected connected)
      : dialer_(dialer), connected_(std::move(connected)) {}
  ~Attempt() {
    if (fd_.valid()) dialer_.executor_.sockets()->ForgetSocket(fd_.get());
  }

  // 0, or an errno.
  int Begin(const SocketAddress& address) {
    UniqueFd fd(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) return errno;
    if (connect(fd.get(), address.get(), address.size()) != 0 && errno != EINPROGRESS) return errno;
    fd_ = std::move(fd);
    // Also when it has connected already: then the socket is ready at once.
    return dialer_.executor_.sockets()->WatchSocket(fd_.get(), EPOLLOUT, *this) ? 0 : errno;
  }
  void OnSocketReady(uint32_t) override {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    sockaddr_storage other = {};
    socklen_t other_size = sizeof other;
    if (error == 0 && getpeername(fd_.get(), reinterpret_cast<sockaddr*>(&other), &other_size) != 0)
      return;  // not yet
    dialer_.OnAttempt(*this, error);
  }
  Connected Take() {
    dialer_.executor_.sockets()->ForgetSocket(fd_.get());
    connected_.fd = std::move(fd_);
    return std::move(connected_);
  }
  const std::string& name() const { return connected_.address; }

 private:
  Dialer& dialer_;
  Connected connected_;  // what it will be
  UniqueFd fd_;
};

Dialer::Dialer(LoopExecutor& executor, const CoreTarget& target, NameLookup& lookup, Wishes wishes,
               Done done)
    : executor_(executor),
      target_(target),
      lookup_(lookup),
      wishes_(std::move(wishes)),
      done_(std::move(done)),
      self_(std::make_shared<Dialer*>(this)) {
  Later(absl::ZeroDuration(), &Dialer::Begin);
}

Dialer::~Dialer() {
  *self_ = nullptr;
  lookup_.Forget();
}

void Dialer::Later(absl::Duration wait, void (Dialer::*task)()) {
  auto run = [self = self_, task] {
    if (*self) (*self->*task)();
  };
  wait > absl::ZeroDuration() ? executor_.PostAfter(wait, std::move(run))
                              : executor_.Post(std::move(run));
}

void Dialer::Begin() {
  if (target_.is_unix()) return OnAddresses(NameLookup::Addresses{UnixAddress(target_.unix_path)});
  const auto numeric = SocketAddress::Parse(target_.Authority());
  if (numeric.ok()) return OnAddresses(NameLookup::Addresses{*numeric});
  lookup_.Ask(target_.host, target_.port, [this](absl::StatusOr<NameLookup::Addresses> addresses) {
    OnAddresses(std::move(addresses));
  });
}

void Dialer::OnAddresses(absl::StatusOr<NameLookup::Addresses> addresses) {
  if (!addresses.ok()) return Finish(addresses.status());
  const std::vector<SocketAddress> ordered = wishes_.order.Of(*addresses);
  for (const SocketAddress& address : ordered) {
    Connected connected;
    connected.address = target_.is_unix() ? target_.unix_path : address.ToString();
    const auto same = [&](const SocketAddress& one) { return one.family() == address.family(); };
    connected.preferred = &*std::find_if(ordered.begin(), ordered.end(), same) == &address;
    connected.alone = std::count_if(ordered.begin(), ordered.end(), same) == 1;
    untried_.push_back({address, std::move(connected)});
  }
  const auto is = [](const std::string& wished) {
    return [&wished](const Untried& one) { return one.connected.address == wished; };
  };
  std::stable_partition(untried_.begin(), untried_.end(), is(wishes_.first));
  std::stable_partition(untried_.begin(), untried_.end(), std::not_fn(is(wishes_.last)));
  TryNext();
}

void Dialer::TryNext() {
  if (!done_) return;
  while (!untried_.empty()) {
    Untried next = std::move(untried_.front());
    untried_.pop_front();
    auto attempt = std::make_unique<Attempt>(*this, std::move(next.connected));
    const int error = attempt->Begin(next.address);
    if (error == 0) {
      attempts_.push_back(std::move(attempt));
      if (!untried_.empty()) Later(kHeadStart, &Dialer::TryNext);
      return;
    }
    failure_ = absl::UnavailableError(absl::StrCat(attempt->name(), ": ", std::strerror(error)));
  }
  if (attempts_.empty()) Finish(failure_);
}

void Dialer::OnAttempt(Attempt& attempt, int error) {
  if (error == 0) return Finish(attempt.Take());
  failure_ = absl::UnavailableError(absl::StrCat(attempt.name(), ": ", std::strerror(error)));
  std::erase_if(attempts_, [&](const auto& one) { return one.get() == &attempt; });
  TryNext();
}

// Must be the last statement: the dialer may be destroyed by it.
void Dialer::Finish(absl::StatusOr<Connected> result) {
  attempts_.clear();
  untried_.clear();
  if (done_) std::exchange(done_, nullptr)(std::move(result));
}

}  // namespace cairn::edge

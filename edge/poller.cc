#include "edge/poller.h"

#include <cerrno>

#include "base/check.h"
#include "base/prefetch.h"

namespace cairn::edge {
namespace {

// Of a Connection, which nearly all of them are.
constexpr size_t kUsualListenerBytes = 512;

}  // namespace

Poller::Poller(int wake_fd) : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  epoll_event woken = {};
  woken.events = EPOLLIN | EPOLLET;
  woken.data.ptr = nullptr;  // nobody is called
  CAIRN_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_fd, &woken) == 0);
}

bool Poller::Control(int operation, int fd, uint32_t epoll_events, SocketListener& listener) {
  epoll_event event = {};
  event.events = epoll_events;
  event.data.ptr = &listener;
  return epoll_ctl(epoll_.get(), operation, fd, &event) == 0;
}

bool Poller::Add(int fd, uint32_t epoll_events, SocketListener& listener) {
  return Control(EPOLL_CTL_ADD, fd, epoll_events, listener);
}

bool Poller::Change(int fd, uint32_t epoll_events, SocketListener& listener) {
  return Control(EPOLL_CTL_MOD, fd, epoll_events, listener);
}

void Poller::Remove(int fd, const SocketListener& listener) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  for (size_t i = next_; i < count_; ++i) {
    if (ready_[i].data.ptr == &listener) ready_[i].data.ptr = nullptr;
  }
}

bool Poller::WatchSocket(int fd, uint32_t epoll_events, SocketListener& listener) {
  const bool is_new = link_sockets_.insert_or_assign(fd, &listener).second;
  if (is_new ? Add(fd, epoll_events, listener) : Change(fd, epoll_events, listener)) return true;
  const int error = errno;
  ForgetSocket(fd);
  errno = error;
  return false;
}

void Poller::ForgetSocket(int fd) {
  const auto socket = link_sockets_.find(fd);
  if (socket == link_sockets_.end()) return;
  Remove(fd, *socket->second);
  link_sockets_.erase(socket);
}

bool Poller::Collect(int wait_ms) {
  if (next_ < count_) return true;
  const int ready = epoll_wait(epoll_.get(), ready_.data(), kEventsPerTurn, wait_ms);
  count_ = ready > 0 ? static_cast<size_t>(ready) : 0;
  next_ = 0;
  return count_ > 0;
}

bool Poller::HandleNext() {
  if (next_ >= count_) return false;
  const epoll_event& event = ready_[next_++];
  // While this one is read, the next one is loaded: those of idle connections are in no cache.
  if (next_ < count_) Prefetch(ready_[next_].data.ptr, kUsualListenerBytes);
  // Null: removed since, or the wake-up.
  if (event.data.ptr) static_cast<SocketListener*>(event.data.ptr)->OnSocketReady(event.events);
  return true;
}

}  // namespace cairn::edge

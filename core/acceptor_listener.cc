#include "core/acceptor_listener.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "core/epoll_watch.h"

namespace cairn::core {

AcceptorListener::AcceptorListener(int socket, int epoll, uint64_t id, const Clock& clock)
    : socket_(socket), epoll_(epoll), id_(id), clock_(clock), failures_(clock) {
  Listen();
}

UniqueFd AcceptorListener::Accept() {
  for (;;) {
    UniqueFd fd(accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const int error = errno;
    // The connection is gone again, not the listener (accept(2), "Error handling").
    if (!fd.valid() && (error == EINTR || error == ECONNABORTED || error == EPROTO)) continue;
    failed_ = !fd.valid() && error != EAGAIN;
    if (failed_) LogFailure(error);
    if (fd.valid()) said_ = false;
    return fd;
  }
}

void AcceptorListener::LogFailure(int error) {
  if (said_) return;
  if (const auto suppressed = failures_.Admit()) {
    said_ = true;
    log::Warn(log::Core(), "grpc_accept_failed",
              {{"error", log::Text(std::strerror(error))}, {"suppressed", *suppressed}});
  }
}

void AcceptorListener::PauseUntil(absl::Duration time) {
  resumes_ = time;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, socket_, nullptr);
}

void AcceptorListener::ResumeIfDue(absl::Duration now) {
  if (now >= resumes_) Listen();
}

void AcceptorListener::Listen() {
  const bool listens = EpollWatch(epoll_, EPOLL_CTL_ADD, socket_, EPOLLIN, id_);
  resumes_ = listens ? absl::InfiniteDuration() : clock_.Elapsed() + kPause;
}

}  // namespace cairn::core

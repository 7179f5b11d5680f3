// Preloaded: after EPOLL_ADDS connections, epoll_ctl(ADD) of one more fails with ENOSPC, as the
// kernel does above fs.epoll.max_user_watches (epoll_ctl(2)).
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>

namespace {

using EpollCtl = int (*)(int, int, int, epoll_event*);

int AddsAllowed() {
  const char* text = std::getenv("EPOLL_ADDS");
  return text ? std::atoi(text) : 1 << 30;
}

bool IsConnection(int fd) {
  sockaddr_storage peer = {};
  socklen_t size = sizeof peer;
  return getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
         peer.ss_family == AF_INET;
}

}  // namespace

extern "C" int epoll_ctl(int epoll, int op, int fd, epoll_event* event) noexcept {
  static const EpollCtl real = reinterpret_cast<EpollCtl>(dlsym(RTLD_NEXT, "epoll_ctl"));
  static int left = AddsAllowed();
  if (op == EPOLL_CTL_ADD && IsConnection(fd)) {
    if (left == 0) {
      errno = ENOSPC;
      return -1;
    }
    --left;
  }
  return real(epoll, op, fd, event);
}

// EpollWatch(): what of a socket an epoll instance reports, with an id of the caller's choice in
// each event.
//
// Thread: any.
// Errors: false, and errno of epoll_ctl(2).
#ifndef CAIRN_CORE_EPOLL_WATCH_H_
#define CAIRN_CORE_EPOLL_WATCH_H_

#include <sys/epoll.h>

#include <cstdint>

namespace cairn::core {

// `operation`: EPOLL_CTL_ADD, EPOLL_CTL_MOD or EPOLL_CTL_DEL.
inline bool EpollWatch(int epoll, int operation, int fd, uint32_t events, uint64_t id) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = id;
  return epoll_ctl(epoll, operation, fd, &event) == 0;
}

}  // namespace cairn::core

#endif  // CAIRN_CORE_EPOLL_WATCH_H_

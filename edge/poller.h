// Poller: the sockets that a loop watches: its listener, its clients, and those of its link.
//
// Events are collected once and then handled one by one, so that the loop can stop in between:
// those that are left come first in the next turn, or busy sockets would always come before them.
//
// Owner:  one Loop.
// Thread: that loop's.
// Bounds: kEventsPerTurn sockets a turn.
// Errors: a socket is not watched when the kernel has no memory for it: ENOSPC
//         (fs.epoll.max_user_watches) or ENOMEM (epoll_ctl(2)).
#ifndef CAIRN_EDGE_POLLER_H_
#define CAIRN_EDGE_POLLER_H_

#include <absl/container/flat_hash_map.h>
#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/unique_fd.h"
#include "edge/link_factory.h"

namespace cairn::edge {

class Poller final : public SocketWatch {
 public:
  static constexpr int kEventsPerTurn = 512;

  // `wake_fd` ends a wait whenever it is written to (TaskQueue); nothing is read from it.
  explicit Poller(int wake_fd);

  // ---- sockets of the loop. False, with errno, when the kernel has no memory for it.
  bool Add(int fd, uint32_t epoll_events, SocketListener& listener);
  bool Change(int fd, uint32_t epoll_events, SocketListener& listener);
  // The listener is not called any more. Called before `fd` is closed: closing is not enough if a
  // child process has the socket too, because epoll watches the open file.
  void Remove(int fd, const SocketListener& listener);

  // ---- sockets of the link (SocketWatch)
  bool WatchSocket(int fd, uint32_t epoll_events, SocketListener& listener) override;
  void ForgetSocket(int fd) override;

  // Collects what is ready, unless events of the last turn are left. Waits for that long, in
  // milliseconds, as epoll_wait(). False: nothing is ready.
  bool Collect(int wait_ms);
  // Calls the listener of the next ready socket; false when none is left.
  bool HandleNext();

 private:
  bool Control(int operation, int fd, uint32_t epoll_events, SocketListener& listener);

  UniqueFd epoll_;
  absl::flat_hash_map<int, SocketListener*> link_sockets_;  // by descriptor
  // The ready sockets; those from next_ on have not been handled yet.
  std::array<epoll_event, kEventsPerTurn> ready_;
  size_t next_ = 0;
  size_t count_ = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_POLLER_H_

// LinkFactory: creates the links of an edge's lanes; and the services of a loop that links use.
// Chosen by the composition in server/.
//
// Owner:  the composition (server/server.cc).
// Thread: any; a LoopExecutor's Post() too, its other methods on its loop.
#ifndef CAIRN_EDGE_LINK_FACTORY_H_
#define CAIRN_EDGE_LINK_FACTORY_H_

#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "edge/core_link.h"

namespace cairn::edge {

class SocketListener {
 public:
  // Loop thread. `epoll_events`: those of the watched events that have occurred, or an error. May
  // be spurious: the listener must try.
  virtual void OnSocketReady(uint32_t epoll_events) = 0;

 protected:
  ~SocketListener() = default;
};

// Watches sockets together with those of a loop's clients. Loop thread.
class SocketWatch {
 public:
  // Calls `listener` in every turn in which `fd` is ready (level-triggered). A second call for the
  // same `fd` replaces the first. False, with errno, when the kernel has no memory for it: then it
  // is not watched.
  [[nodiscard]] virtual bool WatchSocket(int fd, uint32_t epoll_events,
                                         SocketListener& listener) = 0;
  // Must be called before `fd` is closed. The listener is not called any more.
  virtual void ForgetSocket(int fd) = 0;

 protected:
  ~SocketWatch() = default;
};

// Runs tasks on a loop's thread.
class LoopExecutor {
 public:
  // Any thread. Tasks are dropped once the loop has ended.
  virtual void Post(std::function<void()> task) = 0;
  // Loop thread.
  virtual void PostAfter(absl::Duration wait, std::function<void()> task) = 0;
  // Null: this executor has no sockets, as in tests.
  virtual SocketWatch* sockets() { return nullptr; }

 protected:
  ~LoopExecutor() = default;
};

class LinkFactory {
 public:
  virtual ~LinkFactory() = default;
  // The link calls `listener` on `executor`, from its construction to its destruction, which are
  // both on the loop's thread.
  virtual std::unique_ptr<CoreLink> NewLink(const LaneIdentity& identity,
                                            CoreLinkListener& listener, LoopExecutor& executor) = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LINK_FACTORY_H_

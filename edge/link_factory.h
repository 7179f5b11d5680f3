// LinkFactory: how an edge comes by the links of its lanes, and what a loop does for them. Chosen
// by the composition in server/.
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
  // Loop thread. `epoll_events`: what is there of that which is watched, or an error. May be wrong:
  // it is to be tried.
  virtual void OnSocketReady(uint32_t epoll_events) = 0;

 protected:
  ~SocketListener() = default;
};

// Waits for sockets together with those of a loop's clients. Loop thread.
class SocketWatch {
 public:
  // Tells `listener` in every turn in which `fd` is ready (level-triggered). Again for the same
  // `fd`: in place of that.
  virtual void WatchSocket(int fd, uint32_t epoll_events, SocketListener& listener) = 0;
  // Before it is closed. The listener is not told any more.
  virtual void ForgetSocket(int fd) = 0;

 protected:
  ~SocketWatch() = default;
};

// Runs tasks on a loop's thread.
class LoopExecutor {
 public:
  // Any thread. Not run any more once the loop has ended.
  virtual void Post(std::function<void()> task) = 0;
  // Loop thread.
  virtual void PostAfter(absl::Duration wait, std::function<void()> task) = 0;
  // Null: this one has no sockets, as in a test.
  virtual SocketWatch* sockets() { return nullptr; }

 protected:
  ~LoopExecutor() = default;
};

class LinkFactory {
 public:
  virtual ~LinkFactory() = default;
  // The link tells `listener` on `executor`, from its construction to its destruction, both on the
  // loop's thread.
  virtual std::unique_ptr<CoreLink> NewLink(const LaneIdentity& identity,
                                            CoreLinkListener& listener, LoopExecutor& executor) = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LINK_FACTORY_H_

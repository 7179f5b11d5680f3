// LinkFactory: how an edge comes by the links of its lanes. Chosen by the composition in server/.
#ifndef CAIRN_EDGE_LINK_FACTORY_H_
#define CAIRN_EDGE_LINK_FACTORY_H_

#include <absl/time/time.h>

#include <functional>
#include <memory>

#include "edge/core_link.h"

namespace cairn::edge {

// Runs tasks on a loop's thread.
class LoopExecutor {
 public:
  // Any thread. Not run any more once the loop has ended.
  virtual void Post(std::function<void()> task) = 0;
  // Loop thread.
  virtual void PostAfter(absl::Duration wait, std::function<void()> task) = 0;

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

// DirectLink: the link when edge and core are one process. A lane calls the router directly,
// without a network.
//
// Owner:  its Lane. The router may hold the sink for longer.
// Thread: CoreLink's methods on the loop; the sink on whichever thread holds the router.
// Bounds: QueueingSink::kMaxUnhandledBatches batches of a lane that the router has not handled; QueuedTotal::kMaxCost
//         of messages that loops have not taken. Above that no lane has room, so that all loops
//         read less until the slow ones catch up.
#ifndef CAIRN_SERVER_DIRECT_LINK_H_
#define CAIRN_SERVER_DIRECT_LINK_H_

#include <atomic>
#include <cstddef>
#include <memory>

#include "core/core.h"
#include "edge/link_factory.h"

namespace cairn::server {

// The cost of all messages that loops of the process have not taken yet.
//
// Thread: any.
class QueuedTotal {
 public:
  static constexpr size_t kMaxCost = 32 << 20;

  void Add(size_t cost) { cost_.fetch_add(cost, std::memory_order_relaxed); }
  void Remove(size_t cost) { cost_.fetch_sub(cost, std::memory_order_relaxed); }
  bool high() const { return cost_.load(std::memory_order_relaxed) > kMaxCost; }

 private:
  std::atomic<size_t> cost_{0};
};

class DirectLinkFactory final : public edge::LinkFactory {
 public:
  // `core` must outlive every link.
  explicit DirectLinkFactory(core::Core& core) : core_(core) {}

  std::unique_ptr<edge::CoreLink> NewLink(const edge::LaneIdentity& identity,
                                          edge::CoreLinkListener& listener,
                                          edge::LoopExecutor& executor) override;

 private:
  core::Core& core_;
  const std::shared_ptr<QueuedTotal> total_ = std::make_shared<QueuedTotal>();
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_DIRECT_LINK_H_

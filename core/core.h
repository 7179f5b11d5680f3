// Core: the router behind its combiner: the interface for lanes of every kind, and for operators.
//
// Owner:  the composition (server/core_role.h).
// Thread: any.
#ifndef CAIRN_CORE_CORE_H_
#define CAIRN_CORE_CORE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "core/limits.h"
#include "core/router_input.h"

namespace cairn::core {

template <typename Input, typename Handler>
class Combiner;
class MeshBus;

class Core {
 public:
  // `core_id`: random and not 0. `clock` must outlive the core.
  Core(uint64_t core_id, const CoreLimits& limits, const Clock& clock);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Handles `input` now, or queues it for the thread that holds the router; never blocks. See
  // Combiner::Enter().
  void Enter(RouterInput& input);
  // Called every Router::kTickUs.
  void Tick();

  // From now on the core is one of a fleet. `bus` must outlive what it is told afterwards.
  void JoinMesh(MeshBus& bus, const std::string& name, const std::string& version,
                const std::string& fleet);

  // Returns when the router has left the fleet: it does not use the bus any more.
  void LeaveMesh();
  // Returns when everything that was entered before has been handled.
  void AwaitHandled();

  // Any thread: whether the router would take a lane, as of its last tick. It decides by itself; an
  // edge that only asks whether the core is well is told before it has said who it is.
  bool TakesLanes() const { return takes_lanes_.load(std::memory_order_relaxed); }

  uint64_t id() const { return id_; }
  const Clock& clock() const { return clock_; }
  const CoreLimits& limits() const { return limits_; }

 private:
  struct ToRouter;

  // Borrowed; must outlive this.
  const Clock& clock_;

  // Immutable after construction.
  const uint64_t id_;
  const CoreLimits limits_;

  std::atomic<bool> takes_lanes_{true};
  const std::unique_ptr<Router> router_;
  const std::unique_ptr<Combiner<RouterInput, ToRouter>> door_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_CORE_H_

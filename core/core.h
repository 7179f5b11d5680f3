// Core: the router behind its combiner: the interface for lanes of every kind, and for operators.
//
// Thread: any.
#ifndef CAIRN_CORE_CORE_H_
#define CAIRN_CORE_CORE_H_

#include "core/combiner.h"
#include "core/limits.h"
#include "core/router.h"

namespace cairn::core {

class Core {
 public:
  // `core_id`: random and not 0. `clock` must outlive the core.
  Core(uint64_t core_id, const CoreLimits& limits, const Clock& clock)
      : clock_(clock), id_(core_id), limits_(limits), router_(core_id, limits, clock), door_(ToRouter{*this}) {}

  // Handles `input` now, or queues it for the thread that holds the router; never blocks. See
  // Combiner::Enter().
  void Enter(RouterInput& input) { door_.Enter(input); }
  // Called every Router::kTickUs.
  void Tick() {
    RouterInput tick = core::Tick{};
    Enter(tick);
  }

  // From now on the core is one of a fleet. `bus` must outlive what it is told afterwards.
  void JoinMesh(MeshBus& bus, const std::string& name, const std::string& version,
                const std::string& fleet) {
    RouterInput join = AdminCall{[&bus, name, version, fleet](Router& router) {
      router.JoinMesh(bus, name, version, fleet);
    }};
    Enter(join);
  }

  uint64_t id() const { return id_; }
  const Clock& clock() const { return clock_; }
  const CoreLimits& limits() const { return limits_; }

 private:
  struct ToRouter {
    Core& core;
    void operator()(RouterInput& input) {
      core.router_.Handle(input);
      if (!core.router_.WantsTurn()) return;
      RouterInput go_on = Continue{};
      core.door_.Enter(go_on);
    }
  };

  // Borrowed; must outlive this.
  const Clock& clock_;

  // Immutable after construction.
  const uint64_t id_;
  const CoreLimits limits_;

  Router router_;
  Combiner<RouterInput, ToRouter> door_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_CORE_H_

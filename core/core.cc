#include "core/core.h"

#include <future>
#include <memory>
#include <variant>

#include "core/combiner.h"
#include "core/router.h"

namespace cairn::core {

struct Core::ToRouter {
  Core& core;
  void operator()(RouterInput& input) {
    const bool ticks = std::holds_alternative<core::Tick>(input);
    core.router_->Handle(input);
    if (ticks) {
      core.takes_lanes_.store(core.router_->lanes().TakesNoneBecause().empty(),
                              std::memory_order_relaxed);
    }
    if (!core.router_->WantsTurn()) return;
    RouterInput go_on = Continue{};
    core.door_->Enter(go_on);
  }
};

Core::Core(uint64_t core_id, const CoreLimits& limits, const Clock& clock)
    : clock_(clock),
      id_(core_id),
      limits_(limits),
      router_(std::make_unique<Router>(core_id, limits, clock)),
      door_(std::make_unique<Combiner<RouterInput, ToRouter>>(ToRouter{*this})) {}
Core::~Core() = default;

void Core::Enter(RouterInput& input) { door_->Enter(input); }

void Core::Tick() {
  RouterInput tick = core::Tick{};
  Enter(tick);
}

void Core::JoinMesh(MeshBus& bus, const std::string& name, const std::string& version,
                    const std::string& fleet) {
  RouterInput join = AdminCall{
      [&bus, name, version, fleet](Router& router) { router.JoinMesh(bus, name, version, fleet); }};
  Enter(join);
}

void Core::LeaveMesh() {
  RouterInput leave = AdminCall{[](Router& router) { router.LeaveMesh(); }};
  Enter(leave);
  AwaitHandled();
}

void Core::AwaitHandled() {
  // Shared, because the other thread may still be in set_value() when this one goes on.
  const auto handled = std::make_shared<std::promise<void>>();
  RouterInput last = AdminCall{[handled](Router&) { handled->set_value(); }};
  Enter(last);
  handled->get_future().wait();
}

}  // namespace cairn::core

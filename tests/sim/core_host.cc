#include "tests/sim/core_host.h"

#include <utility>

#include "base/check.h"
#include "tests/sim/sim_stream.h"

namespace cairn::sim {

void CoreHost::Start() {
  CAIRN_CHECK(!running());
  ++incarnation_;
  connections_.clear();
  router_ = std::make_unique<core::Router>(random_.Next() | 1, limits_, clock_);
  if (on_start) on_start(*router_);
  trace_.Say("core ", router_->core_id() % 1000, " starts");
  timeline_.After(random_.Between(0, core::Router::kTickUs),
                  [this, incarnation = incarnation_] { Tick(incarnation); });
}

void CoreHost::Kill() {
  if (!running()) return;
  trace_.Say("core ", router_->core_id() % 1000, " is killed");
  // The kernel closes the connections of a process that ends; a machine that fails sends nothing.
  const bool at_once = random_.Chance(85);
  router_.reset();
  hung_ = false;
  stopping_ = false;
  waiting_.clear();
  for (const std::weak_ptr<SimStream>& connection : connections_) {
    if (const auto alive = connection.lock()) alive->CutByCore(at_once);
  }
  connections_.clear();
}

void CoreHost::SetHung(bool hung) {
  if (!running()) return;
  hung_ = hung;
  while (!hung_ && !waiting_.empty()) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    Enter(incarnation_, std::move(next.input), next.opened_lane);
  }
}

void CoreHost::Stop() {
  if (!running() || hung_) return;
  stopping_ = true;
  trace_.Say("core ", router_->core_id() % 1000, " stops");
  Enter(incarnation_, core::CoreStopping{});
  Time wait = 0;
  for (const std::weak_ptr<SimStream>& connection : connections_) {
    wait += random_.Between(0, 20 * kMs);
    timeline_.After(wait, [connection] {
      if (const auto alive = connection.lock()) alive->Cut();
    });
  }
  timeline_.After(wait + 1, [this, incarnation = incarnation_] {
    if (incarnation == incarnation_) Kill();
  });
}

void CoreHost::Opened(uint64_t incarnation, std::shared_ptr<core::LaneStream> stream,
                      const signaling::v1::Hello& hello) {
  Enter(incarnation, core::LaneOpened{std::move(stream), hello}, hello.lane_id());
}

void CoreHost::Batch(uint64_t incarnation, std::shared_ptr<core::LaneStream> stream,
                     signaling::v1::LaneToCore& batch) {
  Enter(incarnation, core::LaneBatch{std::move(stream), std::move(batch)});
}

void CoreHost::Writable(uint64_t incarnation, std::shared_ptr<core::LaneStream> stream) {
  Enter(incarnation, core::LaneWritable{std::move(stream)});
}

void CoreHost::Closed(uint64_t incarnation, std::shared_ptr<core::LaneStream> stream) {
  Enter(incarnation, core::LaneClosed{std::move(stream)});
}

void CoreHost::Arrived(uint64_t incarnation, const signaling::v1::MeshMessage& message) {
  Enter(incarnation, core::MeshArrived{message});
}

void CoreHost::MeshWritable(uint64_t incarnation) { Enter(incarnation, core::MeshWritable{}); }

void CoreHost::MeshNobody(uint64_t incarnation, uint64_t core_id) {
  Enter(incarnation, core::MeshNobody{core_id});
}

void CoreHost::Enter(uint64_t incarnation, core::RouterInput input, uint64_t opened_lane) {
  if (incarnation != incarnation_ || !running()) return;
  if (hung_) return waiting_.push_back({std::move(input), opened_lane});
  CAIRN_CHECK(!entered_);
  entered_ = true;
  late_ = false;
  if (const auto* opened = std::get_if<core::LaneOpened>(&input)) before_(opened->hello);
  router_->Handle(input);
  const bool others_between = limits_.work_per_turn < core::CoreLimits().work_per_turn;
  while (router_->WantsTurn()) {
    if (others_between) {
      timeline_.After(random_.Between(1, 500),
                      [this, incarnation] { Enter(incarnation, core::Continue{}); });
      break;
    }
    core::RouterInput go_on = core::Continue{};
    router_->Handle(go_on);
  }
  entered_ = false;
  after_({opened_lane, late_});
}

void CoreHost::Tick(uint64_t incarnation) {
  if (incarnation != incarnation_ || !running()) return;
  if (!hung_) Enter(incarnation, core::Tick{});
  timeline_.After(core::Router::kTickUs, [this, incarnation] { Tick(incarnation); });
}

}  // namespace cairn::sim

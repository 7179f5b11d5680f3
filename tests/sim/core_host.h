// CoreHost: the process of a core: its routers, one after the other, their ticks, and how they end.
//
// Owner:  World.
#ifndef CAIRN_TESTS_SIM_CORE_HOST_H_
#define CAIRN_TESTS_SIM_CORE_HOST_H_

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "core/router.h"
#include "tests/sim/random.h"
#include "tests/sim/timeline.h"
#include "tests/sim/trace.h"

namespace cairn::sim {

class SimStream;

class CoreHost {
 public:
  // A lane has opened a stream.
  struct OpenedLane {
    uint64_t id = 0;    // 0: none
    bool late = false;  // Welcome said that it is late
  };

  // `before` is called before every Hello, `after` after every input that was handled.
  CoreHost(Timeline& timeline, Random& random, Trace& trace, const Clock& clock,
           const core::CoreLimits& limits, std::function<void(const signaling::v1::Hello&)> before,
           std::function<void(const OpenedLane&)> after)
      : timeline_(timeline),
        random_(random),
        trace_(trace),
        clock_(clock),
        limits_(limits),
        before_(std::move(before)),
        after_(std::move(after)) {}

  bool running() const { return router_ != nullptr; }
  // The number of the router that runs or ran last: 1, 2, 3, …
  uint64_t incarnation() const { return incarnation_; }
  // REQUIRES: running().
  core::Router& router() { return *router_; }

  // Called with every router that is made, before its first input.
  std::function<void(core::Router&)> on_start;

  void Start();
  void Kill();
  // Stops the process, as by SIGSTOP, or lets it continue.
  void SetHung(bool hung);
  bool hung() const { return hung_; }
  // Whether input that came while the process was stopped has not been handled.
  bool behind() const { return !waiting_.empty(); }
  // As on SIGTERM: streams break one after the other, then the process ends.
  void Stop();
  bool stopping() const { return stopping_; }

  // ---- called by connections to an incarnation; without effect once that has ended
  void Add(const std::shared_ptr<SimStream>& connection) { connections_.push_back(connection); }
  void Opened(uint64_t incarnation, std::shared_ptr<core::LaneStream> stream,
              const signaling::v1::Hello& hello);
  void Batch(uint64_t incarnation, std::shared_ptr<core::LaneStream> stream,
             signaling::v1::LaneToCore& batch);
  void Writable(uint64_t incarnation, std::shared_ptr<core::LaneStream> stream);
  void Closed(uint64_t incarnation, std::shared_ptr<core::LaneStream> stream);
  // The router has answered the Hello that it is handling.
  void Welcomes(const signaling::v1::Welcome& welcome) {
    late_ = welcome.outcome() == signaling::v1::Welcome::OUTCOME_LATE;
  }
  void Arrived(uint64_t incarnation, const signaling::v1::MeshMessage& message);
  void MeshWritable(uint64_t incarnation);
  void MeshNobody(uint64_t incarnation, uint64_t core_id);

 private:
  void Enter(uint64_t incarnation, core::RouterInput input, uint64_t opened_lane = 0);
  void Tick(uint64_t incarnation);

  Timeline& timeline_;
  Random& random_;
  Trace& trace_;
  const Clock& clock_;
  const core::CoreLimits& limits_;
  const std::function<void(const signaling::v1::Hello&)> before_;
  const std::function<void(const OpenedLane&)> after_;
  std::unique_ptr<core::Router> router_;
  uint64_t incarnation_ = 0;
  bool entered_ = false;
  bool late_ = false;  // the lane whose Hello is being handled
  bool hung_ = false;
  bool stopping_ = false;
  struct Waiting {
    core::RouterInput input;
    uint64_t opened_lane;
  };
  std::deque<Waiting> waiting_;  // while hung
  std::vector<std::weak_ptr<SimStream>> connections_;
};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_CORE_HOST_H_

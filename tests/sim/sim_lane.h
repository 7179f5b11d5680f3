// SimLane: one loop of an edge, without sockets: its lane, its link, its clients, and its turns.
//
// Does what edge/loop.cc does: a flush after every task, a tick every 100 ms, no reading of clients
// while congested, and the goodbye of an edge that drains.
//
// Owner:  World.
#ifndef CAIRN_TESTS_SIM_SIM_LANE_H_
#define CAIRN_TESTS_SIM_SIM_LANE_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "edge/core_stream.h"
#include "edge/lane.h"
#include "edge/lane_link.h"
#include "proto/link/identity.h"
#include "tests/sim/oracle.h"
#include "tests/sim/pipe.h"
#include "tests/sim/plan.h"
#include "tests/sim/sim_stream.h"

namespace cairn::sim {

class SimLane;

// The objects that all lanes of a run share.
struct Surroundings {
  Timeline& timeline;
  Random& network;
  Trace& trace;
  SimClock& clock;
  const Plan& plan;
  CoreHost& core;
  Oracle& oracle;
  Coverage& coverage;
  // With several cores: the one that a lane connects to next. Empty: there is only one.
  std::function<CoreHost&(SimLane&)> next_core = {};
};

class SimClient final : public edge::Client {
 public:
  SimClient(Oracle& oracle, int number) : oracle_(oracle), number_(number) {}
  int number() const { return number_; }

  void Deliver(std::string_view frames) override {
    while (member && !frames.empty()) oracle_.Received(number_, wire::TakeWsFrame(frames));
  }
  void Charge(uint64_t) override {}
  void Pong(std::string_view) override {}
  void OnPong(std::string_view) override {}
  void Close(edge::CloseReason, uint16_t) override {}
  void Disconnect(uint16_t, std::string_view) override {}
  size_t queued_bytes() const override { return 0; }

  edge::Lane::Member* member = nullptr;     // null: has left
  std::deque<std::function<void()>> asked;  // not read yet
  bool reading = false;                     // a task is due
  bool paused = false;

 private:
  Oracle& oracle_;
  const int number_;
};

class SimLane final : public edge::LoopExecutor, public edge::CoreLinkListener {
 public:
  // `secret`: the number that the lane's secret is made from.
  SimLane(const Surroundings& around, std::string edge, uint32_t index, uint64_t secret);
  ~SimLane();

  int number() const { return number_; }
  bool alive() const { return lane_ != nullptr; }
  bool draining() const { return draining_; }
  const std::string& edge() const { return edge_; }
  // REQUIRES: alive().
  edge::Lane& lane() { return *lane_; }
  // The id of a client that joins with that proof.
  uint64_t PeerOf(uint64_t proof) const { return link::PeerIdOf(secret_, proof); }
  SimClient* Join(uint64_t proof, Speaks speaks);
  // The client has sent a message; `act` handles it when the loop reads it.
  void Ask(SimClient& client, std::function<void()> act);
  void Leave(SimClient& client);
  const std::vector<std::unique_ptr<SimClient>>& clients() const { return clients_; }
  // Whether the lane and its link have nothing left to do.
  bool Quiet() const;

  // ---- faults
  Weather weather;
  void SetHung(bool hung);
  bool hung() const { return hung_; }
  // Its next stream hangs for `wait` once so many messages have arrived.
  void FreezeNext(int after_messages, Time wait) { freeze_next_ = {after_messages, wait}; }
  std::shared_ptr<SimStream> connection() const { return connection_.lock(); }
  void Kill(bool finished = false);
  void Drain();

  // ---- edge::LoopExecutor
  void Post(std::function<void()> task) override;
  void PostAfter(absl::Duration wait, std::function<void()> task) override;

 private:
  class Opener;
  static constexpr Time kPostTime = 10;
  static constexpr int kReadsPerTurn = 64;

  // ---- edge::CoreLinkListener: passes everything on
  void OnSession(edge::CoreSession session) override;
  void OnCoreMessage(signaling::v1::CoreToLane& message) override;
  void OnAccepted(signaling::v1::LaneToCore& message) override { lane_->OnAccepted(message); }
  void OnRoom() override { lane_->OnRoom(); }
  void FillInRosters(signaling::v1::Hello& hello) const override { lane_->FillInRosters(hello); }

  void Run(const std::function<void()>& task);
  void FinishTurn();
  void ScheduleTick();
  void Tick();
  void DrainTick();
  void Read(SimClient& client);
  void CheckBounds();
  bool CoreHasHandledAll() const;
  uint64_t Drops(edge::DropReason reason) const;

  const Surroundings around_;
  const std::string edge_;
  const std::string secret_;
  const int number_;
  edge::EdgeCounters counters_;
  std::unique_ptr<edge::Lane> lane_;  // null: the edge has ended
  std::unique_ptr<edge::LaneLink> link_;
  std::weak_ptr<SimStream> connection_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::vector<SimClient*> paused_;
  bool hung_ = false;
  std::pair<int, Time> freeze_next_{0, 0};
  std::deque<std::function<void()>> waiting_;  // while hung
  Time next_report_ = 0;
  bool draining_ = false;
  Time goodbye_end_ = 0;  // 0: no goodbye was sent
};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_SIM_LANE_H_

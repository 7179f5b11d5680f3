// World: one run: edges, a core, clients, the adversary, and the checks at the end.
//
// Thread: one. The same seed gives the same run if it is the first of its process.
#ifndef CAIRN_TESTS_SIM_WORLD_H_
#define CAIRN_TESTS_SIM_WORLD_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/core_host.h"
#include "tests/sim/oracle.h"
#include "tests/sim/plan.h"
#include "tests/sim/random.h"
#include "tests/sim/sim_lane.h"
#include "tests/sim/timeline.h"
#include "tests/sim/trace.h"

namespace cairn::sim {

class World {
 public:
  World(uint64_t seed, Coverage& coverage, size_t trace_lines);
  ~World();

  // Whether every check has passed.
  bool Run();
  const std::string& failure() const { return oracle_.failure(); }
  const Trace& trace() const { return trace_; }

 private:
  // ---- the run (world.cc)
  bool RunUntil(Time end);
  // Runs until Quiet(). Fails when that takes too long and no lane reads clients' messages either.
  bool RunUntilQuiet();
  bool Quiet();
  // The number of clients' messages that their lanes have not read.
  size_t Asked() const;
  void SayWhatIsStuck();
  void CheckCore(const CoreHost::OpenedLane& opened);
  void NewEdge();
  void EverybodyLeaves();

  // ---- clients (traffic.cc)
  void NewClient();
  void Act(SimLane& lane, SimClient& client, Speaks speaks);
  void ActV2(SimLane& lane, SimClient& client);
  void ActNative(SimLane& lane, SimClient& client);
  void ActRecords(SimLane& lane, SimClient& client);
  void AskToRelay(SimLane& lane, SimClient& client, bool v2);
  void Relay(SimLane& lane, SimClient& client, int topic, int to, bool receipt, int64_t size);
  void Subscribe(SimLane& lane, SimClient& client, int topic);
  void Unsubscribe(SimLane& lane, SimClient& client, int topic);
  void Publish(SimLane& lane, SimClient& client, int topic);
  void Query(SimLane& lane, SimClient& client, int topic);
  int AnyTopic() { return static_cast<int>(actions_.Below(static_cast<uint64_t>(plan_.topics))); }
  bool acting() const { return timeline_.now() < plan_.chaos; }

  // ---- the adversary (adversary.cc)
  void ScheduleFault();
  void Fault();
  void CutLane(SimLane& lane);
  void Refuse(SimLane& lane);
  void Freeze(SimLane& lane);
  void Slow(SimLane& lane);
  void Hang(SimLane& lane);
  void KillCore();
  void StopCore();
  void HangCore();
  void RestartCore();
  void KillEdge(const std::string& edge);
  void DrainEdge(const std::string& edge);
  void StepWall();
  void Flood(SimLane& lane);
  void Heal();
  SimLane* AnyLane();

  // ---- sequences of several faults (scenes.cc)
  void ScheduleScene();
  void Scene();
  void SceneOfALaneThatIsPassedOver();
  void SceneOfALaneThatHangsOnReturn();
  void SceneOfACoreThatEndsOnceItGoesOn(bool returns);
  void WaitUntilItGoesOn(SimLane& lane, uint64_t incarnation, bool returns);
  // Calls `then` a while after the core of that incarnation has stopped waiting for lanes.
  void OnceItGoesOn(uint64_t incarnation, std::function<void()> then);
  void SceneOfLanesThatAreAllAway();
  void SceneOfTwoCores();
  void SetAway(SimLane& lane, Time away);
  SimLane* AnyLaneOfScene();

  const Plan plan_;
  Coverage& coverage_;
  Timeline timeline_;
  Trace trace_;
  SimClock clock_;
  Random network_;
  Random actions_;
  Random faults_;
  Random scenes_;
  Oracle oracle_;
  CoreHost core_;
  std::vector<std::unique_ptr<SimLane>> lanes_;
  struct Person {
    SimLane* lane;
    SimClient* client;
    Speaks speaks;
    uint64_t peer;
  };
  std::vector<Person> people_;
  int edges_ = 0;
  uint64_t next_id_ = 1;
  bool healed_ = false;
};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_WORLD_H_

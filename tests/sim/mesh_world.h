// MeshWorld: one run with several cores: lanes that move between them, a bus that loses messages
// and is partitioned, cores that are killed, and the checks at the end.
//
// Thread: one. The same seed gives the same run if it is the first of its process.
#ifndef CAIRN_TESTS_SIM_MESH_WORLD_H_
#define CAIRN_TESTS_SIM_MESH_WORLD_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/core_host.h"
#include "tests/sim/frame.h"
#include "tests/sim/mesh_net.h"
#include "tests/sim/oracle.h"
#include "tests/sim/plan.h"
#include "tests/sim/random.h"
#include "tests/sim/sim_lane.h"
#include "tests/sim/timeline.h"
#include "tests/sim/trace.h"

namespace cairn::sim {

class MeshWorld {
 public:
  MeshWorld(uint64_t seed, Coverage& coverage, size_t trace_lines);
  ~MeshWorld();

  // Whether every check has passed.
  bool Run();
  const std::string& failure() const { return oracle_.failure(); }
  const Trace& trace() const { return trace_; }

 private:
  struct Core {
    std::unique_ptr<CoreHost> host;
    std::set<uint64_t> lost;  // lanes that this incarnation has given up
  };
  struct Person {
    SimLane* lane;
    SimClient* client;
    Speaks speaks;
    uint64_t peer;
  };

  // ---- the run
  bool RunUntil(Time end);
  bool RunUntilQuiet(Time end);
  // How long a fleet without faults may take to become quiet.
  Time QuietTime() const;
  bool Quiet();
  bool CoreIsQuiet(core::Router& router);
  void SayWhatIsStuck();
  void Handled(size_t core, const CoreHost::OpenedLane& opened);
  bool EverybodyKnows(uint64_t peer, const std::string& topic);
  void CheckEmpty();
  size_t Running() const;
  CoreHost& NextCore(SimLane& lane);

  // ---- scenes after all faults are healed (mesh_scenes.cc)
  bool Meet();
  bool FindHeldRecord();
  bool OnSceneFrame(int client, const Frame& frame);

  // ---- moves of lanes after that (mesh_moves.cc)
  bool PlayMoves();
  bool JoinUnheard(size_t deaf, size_t unheard, size_t third);
  bool LeaveUnheard(size_t deaf, size_t unheard, size_t third);
  bool JoinSlowly();
  bool PlayRelays();
  bool SpeakLate(size_t last, size_t next, size_t other);
  bool MoveUnheard(size_t last, size_t next, size_t other);
  Person NewNativeAt(SimLane& lane);
  // Whether the core has the lane's snapshot within 3 s.
  bool AwaitLane(SimLane& lane, size_t core);
  bool ExpectHeard(const std::string& payloads);
  SimLane& NewLaneAt(size_t core);
  // Moves the lane to that core, unless it is there, and keeps it there.
  void GoTo(SimLane& lane, size_t core);
  void Ask(const Person& person, const std::string& topic);
  void Speak(const Person& person, const std::string& topic, const std::string& payload);

  // ---- clients
  void NewEdge();
  SimLane& AddLane(const std::string& edge, uint32_t index);
  void NewClient();
  Person AddPerson(SimLane& lane, Speaks speaks, uint64_t proof);
  void Act(const Person& person);
  void Relay(const Person& person, int topic, int to, bool receipt);
  void Publish(const Person& person, int topic);
  void Query(const Person& person, int topic);
  void Subscribe(const Person& person, int topic);
  void Unsubscribe(const Person& person, int topic);
  int AnyTopic() { return static_cast<int>(actions_.Below(static_cast<uint64_t>(plan_.topics))); }
  bool acting() const { return timeline_.now() < plan_.chaos; }

  // ---- the adversary (mesh_adversary.cc)
  void ScheduleFault();
  void Fault();
  void KillCore();
  void StartCore(size_t core);
  void HangCore();
  void Part();
  void MoveLane(SimLane& lane);
  void Heal();
  SimLane* AnyLane();

  Plan plan_;
  Coverage& coverage_;
  Timeline timeline_;
  Trace trace_;
  SimClock clock_;
  Random network_;
  Random actions_;
  Random faults_;
  Oracle oracle_;
  MeshNet net_;
  std::vector<Core> cores_;
  std::vector<std::unique_ptr<SimLane>> lanes_;
  std::map<int, size_t> prefers_;  // lane: core
  std::map<int, size_t> goes_to_;  // the same, for lanes that are not moved at random
  std::vector<Person> people_;
  int edges_ = 0;
  bool parts_ = false;  // this adversary partitions the bus
  bool healed_ = false;
  uint64_t counted_ = 0;  // others in the answers to Meet()'s subscriptions
  uint64_t joined_ = 0;   // Joined notices to those clients
  bool found_ = false;    // the record that a query waited for
  uint64_t gone_ = 0;     // clients that have left but were counted
  std::string heard_;     // payloads that the client listens_ got
  int listens_ = -1;      // that client
};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_MESH_WORLD_H_

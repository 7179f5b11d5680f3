// Plan: the parameters of a run, drawn from its seed: the size of the world, its bounds, and what
// the adversary does.
//
// An adversary does not do everything in every run: a fault that is left out cannot hide a failure
// that the others would cause.
#ifndef CAIRN_TESTS_SIM_PLAN_H_
#define CAIRN_TESTS_SIM_PLAN_H_

#include "core/limits.h"
#include "edge/lane_link.h"
#include "edge/limits.h"
#include "tests/sim/pipe.h"
#include "tests/sim/random.h"

namespace cairn::sim {

// How many of 100 faults are of each kind; 0: none.
struct Faults {
  int cut = 0;
  int refuse = 0;
  int freeze = 0;
  int slow = 0;
  int hang = 0;
  int kill_core = 0;
  int stop_core = 0;
  int kill_edge = 0;
  int new_edge = 0;
  int drain_edge = 0;
  int step_wall = 0;
  int flood = 0;
  int all_links = 0;
  int core_with_edge = 0;
  int hang_core = 0;
};

struct Plan {
  explicit Plan(uint64_t seed);

  int edges = 2;
  int max_lanes_per_edge = 1;
  int clients = 4;
  int topics = 2;
  Time chaos = 10 * kSecond;  // how long clients and the adversary act
  Time fault_interval = kSecond;
  Time action_interval = 100 * kMs;  // of one client
  bool scenes = false;               // with sequences of several faults (scenes.cc)
  bool two_cores = false;            // the only fault: SceneOfTwoCores
  int64_t max_payload = 100;
  Weather weather;
  Faults faults;
  edge::EdgeLimits edge_limits;
  edge::LaneLink::Options link_options;
  core::CoreLimits core_limits;
};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_PLAN_H_

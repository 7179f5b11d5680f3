#include "tests/sim/plan.h"

namespace cairn::sim {
namespace {

void DrawFaults(Random& random, Faults& faults) {
  for (int* weight : {&faults.cut, &faults.refuse, &faults.freeze, &faults.slow, &faults.hang,
                      &faults.kill_core, &faults.stop_core, &faults.kill_edge, &faults.new_edge,
                      &faults.drain_edge, &faults.step_wall, &faults.flood, &faults.all_links,
                      &faults.core_with_edge, &faults.hang_core}) {
    *weight = random.Chance(50) ? static_cast<int>(random.Between(1, 10)) : 0;
  }
}

void DrawWeather(Random& random, Weather& weather) {
  const Time base = random.Scaled(50, 20 * kMs);
  weather.min_delay = base / 2;
  weather.max_delay = base * random.Between(1, 4);
}

// A few dozen relays reach these bounds.
void DrawSmallLimits(Random& random, Plan& plan) {
  plan.link_options.window = static_cast<size_t>(random.Scaled(2'000, 60'000));
  plan.edge_limits.max_backlog_bytes = static_cast<size_t>(random.Scaled(5'000, 100'000));
  plan.edge_limits.max_open_bytes = static_cast<size_t>(random.Scaled(40'000, 200'000));
  plan.core_limits.max_lane_queued_bytes = plan.edge_limits.max_open_bytes / 2;
  plan.core_limits.max_late_bytes = static_cast<size_t>(random.Scaled(2'000, 60'000));
  plan.core_limits.max_held_bytes_per_lane = static_cast<size_t>(random.Scaled(2'000, 60'000));
}

}  // namespace

Plan::Plan(uint64_t seed) {
  Random random(seed * 0x2545f4914f6cdd1d + 1);
  edges = static_cast<int>(random.Between(2, 4));
  max_lanes_per_edge = static_cast<int>(random.Between(1, 2));
  clients = static_cast<int>(random.Between(3, 10));
  topics = static_cast<int>(random.Between(1, 3));
  chaos = random.Between(3 * kSecond, random.Chance(85) ? 12 * kSecond : 25 * kSecond);
  fault_interval = random.Scaled(100 * kMs, 3 * kSecond);
  action_interval = random.Scaled(20 * kMs, 400 * kMs);
  max_payload = random.Chance(80) ? 60 : 1'000;
  core_limits.lane_timeout = absl::Seconds(random.Chance(60) ? 10 : random.Between(1, 4));
  if (random.Chance(20)) core_limits.max_tombstones = 1;
  if (random.Chance(35)) DrawSmallLimits(random, *this);
  DrawWeather(random, weather);
  DrawFaults(random, faults);
  // From a generator of its own, so that most seeds give the same run as before there were scenes.
  Random scene(seed * 0x9e6c63d0876a9a47 + 1);
  scenes = scene.Chance(25);
  if (scenes) chaos = scene.Between(15 * kSecond, 22 * kSecond);
  Random two(seed * 0x8cb92ba72f3d8dd7 + 1);
  two_cores = two.Chance(5);
  if (two_cores) {
    scenes = false;
    faults = {};
    chaos = 32 * kSecond;
  }
  Random turn(seed * 0xd1342543de82ef95 + 61);
  if (turn.Chance(30)) core_limits.work_per_turn = static_cast<uint64_t>(turn.Scaled(1, 100));
}

}  // namespace cairn::sim

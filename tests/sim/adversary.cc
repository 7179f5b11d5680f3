// World: the faults that the adversary makes, and their healing at the end.
#include <absl/strings/str_cat.h>

#include "tests/sim/world.h"

namespace cairn::sim {

SimLane* World::AnyLane() {
  std::vector<SimLane*> alive;
  for (const auto& lane : lanes_) {
    if (lane->alive()) alive.push_back(lane.get());
  }
  return alive.empty() ? nullptr : alive[faults_.Below(alive.size())];
}

void World::ScheduleFault() {
  timeline_.After(faults_.Scaled(kMs, 2 * plan_.fault_interval), [this] {
    if (!acting()) return;
    ScheduleFault();
    Fault();
  });
}

void World::Fault() {
  SimLane* lane = AnyLane();
  if (!lane) return NewEdge();
  ++coverage_.faults;
  const Faults& faults = plan_.faults;
  int sum = 0;
  for (const int weight :
       {faults.cut, faults.refuse, faults.freeze, faults.slow, faults.hang, faults.kill_core,
        faults.stop_core, faults.kill_edge, faults.new_edge, faults.drain_edge, faults.step_wall,
        faults.flood, faults.all_links, faults.core_with_edge, faults.hang_core})
    sum += weight;
  if (sum == 0) return;
  int draw = static_cast<int>(faults_.Below(static_cast<uint64_t>(sum)));
  const auto drawn = [&draw](int weight) { return (draw -= weight) < 0; };
  if (drawn(faults.cut)) return CutLane(*lane);
  if (drawn(faults.refuse)) return Refuse(*lane);
  if (drawn(faults.freeze)) return Freeze(*lane);
  if (drawn(faults.slow)) return Slow(*lane);
  if (drawn(faults.hang)) return Hang(*lane);
  if (drawn(faults.kill_core)) return KillCore();
  if (drawn(faults.stop_core)) return StopCore();
  if (drawn(faults.kill_edge)) return KillEdge(lane->edge());
  if (drawn(faults.new_edge)) return NewEdge();
  if (drawn(faults.drain_edge)) return DrainEdge(lane->edge());
  if (drawn(faults.step_wall)) return StepWall();
  if (drawn(faults.flood)) return Flood(*lane);
  if (drawn(faults.hang_core)) return HangCore();
  if (drawn(faults.all_links)) {
    for (const auto& one : lanes_) {
      if (one->alive()) CutLane(*one);
    }
    return;
  }
  KillEdge(lane->edge());
  KillCore();
}

void World::CutLane(SimLane& lane) {
  trace_.Say("lane ", lane.number(), "'s stream is cut");
  if (const auto connection = lane.connection()) connection->Cut();
}

void World::Refuse(SimLane& lane) {
  const Time away = faults_.Scaled(50 * kMs, faults_.Chance(90) ? 8 * kSecond : 14 * kSecond);
  trace_.Say("lane ", lane.number(), "'s network is away for ", away, " us");
  lane.weather.refused_until = timeline_.now() + away;
  if (const auto connection = lane.connection()) connection->Cut();
}

void World::Freeze(SimLane& lane) {
  const auto connection = lane.connection();
  if (!connection) return;
  const Time frozen = faults_.Scaled(50 * kMs, 8 * kSecond);
  const bool then_cut = faults_.Chance(50);
  trace_.Say("lane ", lane.number(), "'s stream hangs for ", frozen, " us");
  connection->SetFrozen(true);
  timeline_.After(frozen, [this, weak = std::weak_ptr<SimStream>(connection), then_cut] {
    const auto alive = weak.lock();
    if (!alive) return;
    then_cut && !healed_ ? alive->Cut() : alive->SetFrozen(false);
  });
}

void World::Slow(SimLane& lane) {
  trace_.Say("lane ", lane.number(), "'s network is slow");
  lane.weather.slow = faults_.Scaled(kMs, 300 * kMs);
  timeline_.After(faults_.Scaled(500 * kMs, 6 * kSecond), [&lane] { lane.weather.slow = 0; });
}

void World::Hang(SimLane& lane) {
  if (lane.hung()) return;
  const Time hung = faults_.Scaled(100 * kMs, faults_.Chance(20) ? 20 * kSecond : 4 * kSecond);
  trace_.Say("lane ", lane.number(), "'s loop hangs for ", hung, " us");
  lane.SetHung(true);
  timeline_.After(hung, [&lane] { lane.SetHung(false); });
}

void World::KillCore() {
  if (!core_.running()) return;
  core_.Kill();
  RestartCore();
  // Again, before all lanes have reconnected.
  if (faults_.Chance(30)) {
    timeline_.After(faults_.Scaled(50 * kMs, 3 * kSecond), [this] {
      if (!acting() || !core_.running()) return;
      core_.Kill();
      RestartCore();
    });
  }
}

void World::StopCore() {
  if (!core_.running()) return;
  core_.Stop();
  RestartCore();
}

void World::RestartCore() {
  timeline_.After(faults_.Scaled(300 * kMs, faults_.Chance(80) ? kSecond : 4 * kSecond),
                  [this, ended = core_.incarnation()] {
                    if (core_.running()) {
                      if (core_.incarnation() == ended) RestartCore();  // it is still stopping
                      return;
                    }
                    oracle_.CoreStarted();
                    core_.Start();
                  });
}

void World::HangCore() {
  if (!core_.running() || core_.hung()) return;
  const Time hung = faults_.Scaled(100 * kMs, faults_.Chance(20) ? 15 * kSecond : 3 * kSecond);
  trace_.Say("the core hangs for ", hung, " us");
  core_.SetHung(true);
  timeline_.After(hung, [this, incarnation = core_.incarnation()] {
    if (incarnation == core_.incarnation()) core_.SetHung(false);
  });
}

void World::KillEdge(const std::string& edge) {
  const std::string name = edge;
  for (const auto& lane : lanes_) {
    if (lane->edge() == name) lane->Kill();
  }
  if (faults_.Chance(70)) NewEdge();
}

void World::DrainEdge(const std::string& edge) {
  for (const auto& lane : lanes_) {
    if (lane->edge() == edge && lane->alive()) lane->Drain();
  }
  NewEdge();
}

void World::StepWall() {
  const int64_t seconds = faults_.Between(-7'200, 7'200);
  trace_.Say("the wall clock is stepped by ", seconds, " s");
  clock_.StepWall(absl::Seconds(seconds));
}

void World::Flood(SimLane& lane) {
  for (const Person& person : people_) {
    if (person.lane != &lane || !person.client->member || person.speaks == Speaks::kRecords ||
        person.client->asked.size() > 500)
      continue;
    const int64_t relays = faults_.Between(20, 300);
    trace_.Say("client ", person.client->number(), " floods: ", relays, " relays");
    for (int64_t i = 0; i < relays; ++i)
      Relay(lane, *person.client, AnyTopic(), -1, false, faults_.Between(0, plan_.max_payload));
    return;
  }
}

void World::Heal() {
  trace_.Say("everything is healed");
  healed_ = true;
  for (const auto& lane : lanes_) {
    lane->weather.refused_until = 0;
    lane->FreezeNext(0, 0);
    lane->weather.slow = 0;
    if (!lane->alive()) continue;
    lane->SetHung(false);
    if (const auto connection = lane->connection()) connection->SetFrozen(false);
  }
  core_.SetHung(false);
  if (core_.running()) return;
  oracle_.CoreStarted();
  core_.Start();
}

}  // namespace cairn::sim

// MeshWorld: the faults with several cores: lanes that move, cores that end or hang, a bus that is
// partitioned.
#include "tests/sim/mesh_world.h"

namespace cairn::sim {

void MeshWorld::ScheduleFault() {
  timeline_.After(faults_.Scaled(kMs, 2 * plan_.fault_interval), [this] {
    if (!acting()) return;
    ScheduleFault();
    Fault();
  });
}

void MeshWorld::Fault() {
  SimLane* lane = AnyLane();
  if (!lane) return NewEdge();
  ++coverage_.faults;
  const uint64_t what = faults_.Below(100);
  if (what < 35) return MoveLane(*lane);
  if (what < 50) return KillCore();
  if (what < 58) return HangCore();
  if (what < 66) return parts_ ? Part() : MoveLane(*lane);
  if (what < 74) {
    const Time hung = faults_.Scaled(100 * kMs, 4 * kSecond);
    if (lane->hung()) return;
    lane->SetHung(true);
    timeline_.After(hung, [lane] { lane->SetHung(false); });
    return;
  }
  if (what < 80) {
    lane->weather.refused_until = timeline_.now() + faults_.Scaled(50 * kMs, 6 * kSecond);
    return MoveLane(*lane);
  }
  if (what < 84) {
    const std::string edge = lane->edge();
    for (const auto& one : lanes_) {
      if (one->edge() == edge) one->Kill();
    }
    return NewEdge();
  }
  if (what < 88) {
    const std::string edge = lane->edge();
    for (const auto& one : lanes_) {
      if (one->edge() == edge && one->alive()) one->Drain();
    }
    return NewEdge();
  }
  for (const auto& one : lanes_) {
    if (one->alive() && faults_.Chance(50)) MoveLane(*one);
  }
}

// Cuts its stream; NextCore() chooses the core that it connects to next.
void MeshWorld::MoveLane(SimLane& lane) {
  trace_.Say("lane ", lane.number(), "'s stream is cut");
  if (const auto connection = lane.connection()) connection->Cut();
}

void MeshWorld::StartCore(size_t index) {
  Core& core = cores_[index];
  if (core.host->running()) return;
  ++coverage_.cores;
  core.lost.clear();
  core.host->Start();
}

void MeshWorld::KillCore() {
  const size_t index = faults_.Below(cores_.size());
  // One core that has the state must stay.
  size_t ready = 0;
  for (const Core& core : cores_)
    ready += core.host->running() && core.host->router().mesh()->ready() ? 1 : 0;
  if (!cores_[index].host->running() || ready < 2 || net_.parted()) return;
  faults_.Chance(80) ? cores_[index].host->Kill() : cores_[index].host->Stop();
  timeline_.After(faults_.Scaled(100 * kMs, 4 * kSecond), [this, index] { StartCore(index); });
}

void MeshWorld::HangCore() {
  const size_t index = faults_.Below(cores_.size());
  CoreHost& host = *cores_[index].host;
  if (!host.running() || host.hung()) return;
  const Time hung = faults_.Scaled(100 * kMs, faults_.Chance(20) ? 15 * kSecond : 3 * kSecond);
  trace_.Say("core ", index, " hangs for ", hung, " us");
  host.SetHung(true);
  timeline_.After(hung, [&host, incarnation = host.incarnation()] {
    if (incarnation == host.incarnation()) host.SetHung(false);
  });
}

void MeshWorld::Part() {
  if (net_.parted() || Running() < cores_.size()) return;
  const size_t one = faults_.Below(cores_.size());
  const Time parted = faults_.Scaled(200 * kMs, faults_.Chance(70) ? 3 * kSecond : 15 * kSecond);
  const bool both_ways = faults_.Chance(70);
  const bool from_all = faults_.Chance(60);
  for (size_t other = 0; other < cores_.size(); ++other) {
    if (other == one || (!from_all && faults_.Chance(50))) continue;
    net_.Part(one, other);
    if (both_ways) net_.Part(other, one);
  }
  trace_.Say("core ", one, " is parted from others for ", parted, " us");
  timeline_.After(parted, [this] { net_.HealAll(); });
}

void MeshWorld::Heal() {
  trace_.Say("all is healed");
  healed_ = true;
  net_.HealAll();
  net_.lost = 0;
  for (size_t i = 0; i < cores_.size(); ++i) {
    cores_[i].host->SetHung(false);
    timeline_.After(6 * kSecond, [this, i] { StartCore(i); });
    StartCore(i);
  }
  for (const auto& lane : lanes_) {
    lane->weather.refused_until = 0;
    lane->weather.slow = 0;
    if (lane->hung()) lane->SetHung(false);
  }
}

}  // namespace cairn::sim

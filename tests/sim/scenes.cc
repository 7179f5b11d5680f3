// World: sequences of several faults that faults drawn one by one rarely produce.
#include <utility>
#include <vector>

#include "tests/sim/world.h"

namespace cairn::sim {
namespace {

constexpr Time kAwayUntilTold = 60 * kSecond;

}  // namespace

void World::ScheduleScene() {
  timeline_.After(scenes_.Scaled(200 * kMs, 4 * kSecond), [this] {
    if (!acting()) return;
    // Not many: later faults may tell a lane what an earlier one should have told it.
    if (scenes_.Chance(30)) ScheduleScene();
    Scene();
  });
}

void World::Scene() {
  if (!core_.running() || core_.hung()) return;
  switch (scenes_.Below(5)) {
    case 0:
      return SceneOfALaneThatIsPassedOver();
    case 1:
      return SceneOfALaneThatHangsOnReturn();
    case 2:
      return SceneOfACoreThatEndsOnceItGoesOn(false);
    case 3:
      return SceneOfACoreThatEndsOnceItGoesOn(true);
    default:
      return SceneOfLanesThatAreAllAway();
  }
}

SimLane* World::AnyLaneOfScene() {
  std::vector<SimLane*> alive;
  for (const auto& lane : lanes_) {
    if (lane->alive()) alive.push_back(lane.get());
  }
  return alive.empty() ? nullptr : alive[scenes_.Below(alive.size())];
}

// Each attempt to connect is refused at once, so that the lane reconnects soon after that time.
void World::SetAway(SimLane& lane, Time away) {
  trace_.Say("lane ", lane.number(), " is away for ", away, " us");
  lane.weather.refused_until = timeline_.now() + away;
  lane.weather.answers = true;
  if (const auto connection = lane.connection()) connection->Cut();
}

// A core starts and ends while the lane is away; the lane reconnects when the next core starts.
void World::SceneOfALaneThatIsPassedOver() {
  SimLane* lane = AnyLaneOfScene();
  if (!lane) return;
  const Time away = scenes_.Chance(50) ? scenes_.Between(11 * kSecond, 13 * kSecond)
                                       : scenes_.Between(3 * kSecond, 8 * kSecond);
  SetAway(*lane, away);
  core_.Kill();
  RestartCore();
  timeline_.After(away - scenes_.Between(0, 500 * kMs), [this] {
    if (!acting() || !core_.running()) return;
    core_.Kill();
    RestartCore();
  });
}

// A core stops waiting for a lane and ends soon after: the next core has to learn from the other
// lanes what was settled, and without which lane. `returns`: before that core ends, the lane sends
// Hello to it, and does not receive the answer.
void World::SceneOfACoreThatEndsOnceItGoesOn(bool returns) {
  SimLane* lane = AnyLaneOfScene();
  if (!lane) return;
  SetAway(*lane, kAwayUntilTold);
  core_.Kill();
  RestartCore();
  WaitUntilItGoesOn(*lane, core_.incarnation() + 1, returns);
}

void World::WaitUntilItGoesOn(SimLane& lane, uint64_t incarnation, bool returns) {
  timeline_.After(5 * kMs, [this, &lane, incarnation, returns] {
    if (!acting() || !lane.alive() || core_.incarnation() > incarnation) {
      lane.weather.refused_until = 0;
      return;
    }
    const bool goes_on = core_.running() && core_.incarnation() == incarnation &&
                         !core_.router().hold().holding() && !core_.router().late().keeping();
    if (!goes_on) return WaitUntilItGoesOn(lane, incarnation, returns);
    const Time lives = scenes_.Scaled(5 * kMs, 250 * kMs);
    const Time returns_after = returns ? 0 : lives + scenes_.Between(0, 600 * kMs);
    lane.weather.refused_until = timeline_.now() + returns_after;
    if (returns) lane.FreezeNext(1, 2 * kSecond);
    timeline_.After(returns ? lives + 250 * kMs : lives, [this, incarnation] {
      if (!acting() || core_.incarnation() != incarnation || !core_.running()) return;
      core_.Kill();
      RestartCore();
    });
  });
}

// The lane sends Hello, but its snapshot does not arrive.
void World::SceneOfALaneThatHangsOnReturn() {
  SimLane* lane = AnyLaneOfScene();
  if (!lane) return;
  const bool too_long = scenes_.Chance(50);
  SetAway(*lane, too_long ? scenes_.Between(3 * kSecond, 5 * kSecond)
                          : scenes_.Scaled(10 * kMs, 5 * kSecond));
  lane->FreezeNext(
      static_cast<int>(scenes_.Between(1, 3)),
      too_long ? scenes_.Between(7 * kSecond, 8 * kSecond) : scenes_.Between(kSecond, 8 * kSecond));
  core_.Kill();
  RestartCore();
}

// The first lanes that connect to a new core have just started.
void World::SceneOfLanesThatAreAllAway() {
  for (const auto& lane : lanes_) {
    if (lane->alive()) SetAway(*lane, scenes_.Between(1'500 * kMs, 5 * kSecond));
  }
  core_.Kill();
  RestartCore();
  NewEdge();
  if (scenes_.Chance(50)) return;
  // No other lanes connect to this core.
  timeline_.After(scenes_.Scaled(600 * kMs, 5 * kSecond), [this, ended = core_.incarnation()] {
    if (!acting() || !core_.running() || core_.incarnation() != ended + 1) return;
    core_.Kill();
    RestartCore();
  });
}

// Two cores run one after the other, and no lane connects to both: neither knows of the other, and
// each has settled relays that the lanes of the other did not get.
void World::SceneOfTwoCores() {
  std::vector<SimLane*> first, second;
  for (const auto& lane : lanes_) (lane->number() % 2 == 0 ? first : second).push_back(lane.get());
  for (SimLane* lane : second) SetAway(*lane, kAwayUntilTold);
  core_.Kill();
  RestartCore();
  OnceItGoesOn(core_.incarnation() + 1, [this, first, second] {
    for (SimLane* lane : first) SetAway(*lane, kAwayUntilTold);
    for (SimLane* lane : second) lane->weather.refused_until = 0;
    core_.Kill();
    RestartCore();
    OnceItGoesOn(core_.incarnation() + 1, [this, first] {
      for (SimLane* lane : first) lane->weather.refused_until = 0;
      core_.Kill();
      RestartCore();
    });
  });
}

void World::OnceItGoesOn(uint64_t incarnation, std::function<void()> then) {
  timeline_.After(5 * kMs, [this, incarnation, then = std::move(then)]() mutable {
    if (!acting()) return;
    const bool goes_on = core_.running() && core_.incarnation() == incarnation &&
                         !core_.router().hold().holding() && !core_.router().late().keeping();
    if (!goes_on) return OnceItGoesOn(incarnation, std::move(then));
    timeline_.After(scenes_.Between(200 * kMs, kSecond), [this, then = std::move(then)] {
      if (acting()) then();
    });
  });
}

}  // namespace cairn::sim

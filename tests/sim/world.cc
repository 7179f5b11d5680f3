#include "tests/sim/world.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "tests/sim/inside.h"
#include "tests/sim/sim_stream.h"

namespace cairn::sim {
namespace {

// How long it may take after the faults are healed: a broken stream is noticed by keepalives, a
// lane that has ended by its time-out; then a paused client is read.
Time QuietBy(const Plan& plan) {
  return absl::ToInt64Microseconds(plan.core_limits.lane_timeout) + 25 * kSecond;
}
constexpr Time kLook = 100 * kMs;

}  // namespace

World::World(uint64_t seed, Coverage& coverage, size_t trace_lines)
    : plan_(seed),
      coverage_(coverage),
      trace_(timeline_, trace_lines),
      clock_(timeline_),
      network_(seed * 4 + 1),
      actions_(seed * 4 + 2),
      faults_(seed * 4 + 3),
      scenes_(seed * 4 + 4),
      oracle_(timeline_, trace_, coverage, plan_.topics),
      core_(
          timeline_, network_, trace_, clock_, plan_.core_limits,
          [this](const signaling::v1::Hello& hello) { oracle_.HelloSaid(core_.router(), hello); },
          [this](const CoreHost::OpenedLane& opened) { CheckCore(opened); }) {}

World::~World() { timeline_.Clear(); }

bool World::Run() {
  oracle_.CoreStarted();
  core_.Start();
  for (int edge = 0; edge < plan_.edges; ++edge) NewEdge();
  for (int client = 0; client < plan_.clients; ++client) NewClient();
  ScheduleFault();
  if (plan_.scenes) ScheduleScene();
  if (plan_.two_cores) timeline_.After(2 * kSecond, [this] { SceneOfTwoCores(); });
  if (!RunUntil(plan_.chaos)) return false;
  Heal();
  if (!RunUntilQuiet()) return false;
  // Queries that wait are answered by then.
  if (!RunUntil(timeline_.now() + absl::ToInt64Microseconds(plan_.edge_limits.query_hold) +
                2 * kLook))
    return false;
  oracle_.CheckEverythingArrived(core_.router());
  if (!failure().empty()) return false;
  EverybodyLeaves();
  if (!RunUntilQuiet()) return false;
  // Lanes are told of the last settled relays at a tick.
  if (!RunUntil(timeline_.now() + 500 * kMs)) return false;
  oracle_.CheckEmpty(core_.router());
  for (const auto& lane : lanes_) {
    if (lane->alive()) lane->Kill(true);
  }
  coverage_.virtual_ms += static_cast<uint64_t>(timeline_.now() / kMs);
  return failure().empty();
}

bool World::RunUntil(Time end) {
  while (failure().empty() && timeline_.Step(end)) ++coverage_.events;
  return failure().empty();
}

// Where windows are small, it may take long to read what clients have sent before the faults were
// healed: as long as some of it is read, nothing is stuck.
bool World::RunUntilQuiet() {
  size_t asked = Asked();
  for (Time end = timeline_.now() + QuietBy(plan_); timeline_.now() < end;) {
    if (!RunUntil(timeline_.now() + kLook)) return false;
    if (Quiet()) return true;
    const size_t left = Asked();
    if (left < std::exchange(asked, left)) end = timeline_.now() + QuietBy(plan_);
  }
  SayWhatIsStuck();
  oracle_.Fail("something is stuck");
  return false;
}

size_t World::Asked() const {
  size_t asked = 0;
  for (const Person& person : people_) asked += person.client->asked.size();
  return asked;
}

void World::SayWhatIsStuck() {
  for (const auto& lane : lanes_) {
    if (!lane->alive() || lane->Quiet()) continue;
    trace_.Say("stuck: lane ", lane->number(), ": open ", OpenRelaysOf(lane->lane()).size(),
               ", waiting ", OutboxOf(lane->lane()).waiting_cost(), ", all ",
               lane->lane().backlog_bytes());
  }
  for (const Person& person : people_) {
    if (person.lane->alive() && person.client->member && !person.client->asked.empty())
      trace_.Say("stuck: client ", person.client->number(), ": ", person.client->asked.size(),
                 " wait");
  }
  if (!core_.running()) return trace_.Say("stuck: no core");
  if (core_.router().late().keeping()) trace_.Say("stuck: the core keeps relays for late lanes");
  if (core_.router().hold().holding()) trace_.Say("stuck: the core holds");
  for (const auto& [id, lane] : core_.router().directory().lanes()) {
    trace_.Say("core: ", lane->edge, ", lane ", lane->index,
               lane->attached() ? ": attached" : ": detached", ", keeps ", lane->channel->cost(),
               ", owed ", lane->ledger.owed(), lane->ledger.open() ? ", open" : "");
  }
}

bool World::Quiet() {
  if (!core_.running() || core_.stopping() || core_.router().late().keeping()) return false;
  size_t alive = 0;
  for (const auto& lane : lanes_) {
    if (!lane->alive()) continue;
    ++alive;
    if (!lane->Quiet()) return false;
    for (const auto& client : lane->clients()) {
      if (client->member && !client->asked.empty()) return false;
    }
  }
  // A core that no lane has connected to goes on holding.
  if (alive > 0 && core_.router().hold().holding()) return false;
  const core::Directory& directory = core_.router().directory();
  if (directory.lanes().size() != alive) return false;
  for (const auto& [id, lane] : directory.lanes()) {
    if (!lane->attached() || lane->channel->cost() > 0 || lane->ledger.owed() > 0 ||
        lane->ledger.open())
      return false;
  }
  return true;
}

// After every input that the core has handled.
void World::CheckCore(const CoreHost::OpenedLane& opened) {
  core::Router& router = core_.router();
  oracle_.CoreHandled(router, opened);
  for (const uint64_t refused : router.counters().refusals) {
    if (refused > 0) oracle_.Fail("the core refused what an honest lane said");
  }
  for (const auto& [id, lane] : router.directory().lanes()) {
    if (lane->channel->full(plan_.core_limits.max_lane_queued_bytes))
      oracle_.Fail("the core keeps more for a lane than its bound");
    const bool may_read = lane->batches.empty() && !router.hold().holding() &&
                          !router.hold().releasing() && !core_.behind();
    if (may_read && lane->attached() &&
        !static_cast<SimStream*>(lane->channel->stream())->reading())
      oracle_.Fail("the core does not read a lane although it could");
    if (router.hold().cost(id) >
        plan_.core_limits.max_held_bytes_per_lane + plan_.link_options.window + 64 * 1'024)
      oracle_.Fail("the core holds more of a lane than its bound");
  }
}

void World::NewEdge() {
  if (!acting() || lanes_.size() >= 12) return;
  const std::string name = absl::StrCat("edge ", ++edges_);
  const int64_t lanes = faults_.Between(1, plan_.max_lanes_per_edge);
  const Surroundings around{timeline_, network_, trace_, clock_, plan_, core_, oracle_, coverage_};
  for (uint32_t index = 0; index < lanes; ++index)
    lanes_.push_back(std::make_unique<SimLane>(around, name, index, faults_.Next() | 1));
}

void World::EverybodyLeaves() {
  for (const Person& person : people_) {
    if (!person.lane->alive()) continue;
    person.lane->Post([person] { person.lane->Leave(*person.client); });
  }
  RunUntil(timeline_.now() + kLook);
}

}  // namespace cairn::sim

#include "tests/sim/mesh_world.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "tests/sim/inside.h"

namespace cairn::sim {
namespace {

constexpr Time kLook = 100 * kMs;

}  // namespace

MeshWorld::MeshWorld(uint64_t seed, Coverage& coverage, size_t trace_lines)
    : plan_(seed),
      coverage_(coverage),
      trace_(timeline_, trace_lines),
      clock_(timeline_),
      network_(seed * 4 + 1),
      actions_(seed * 4 + 2),
      faults_(seed * 4 + 3),
      oracle_(timeline_, trace_, coverage, plan_.topics),
      net_(timeline_, network_) {
  const uint64_t work_per_turn = plan_.core_limits.work_per_turn;
  plan_.core_limits = {};
  plan_.core_limits.work_per_turn = work_per_turn;
  plan_.edge_limits = {};
  plan_.link_options = {};
  net_.lost = faults_.Chance(50) ? 0 : static_cast<int>(faults_.Between(1, 20));
  net_.repeated = faults_.Chance(50) ? 0 : static_cast<int>(faults_.Between(1, 20));
  net_.max_delay = faults_.Scaled(200, 50 * kMs);
  parts_ = faults_.Chance(30);
  oracle_.on_frame = [this](int client, const Frame& frame) { return OnSceneFrame(client, frame); };
  const size_t cores = static_cast<size_t>(faults_.Between(2, 4));
  for (size_t core = 0; core < cores; ++core) {
    cores_.push_back(
        {std::make_unique<CoreHost>(
             timeline_, network_, trace_, clock_, plan_.core_limits,
             [](const signaling::v1::Hello&) {},
             [this, core](const CoreHost::OpenedLane& opened) { Handled(core, opened); }),
         {}});
    net_.AddHost(*cores_.back().host);
    cores_.back().host->on_start = [this, core](core::Router& router) {
      router.JoinMesh(net_.NewBus(core), absl::StrCat("core ", core), "sim");
    };
  }
}

Time MeshWorld::QuietTime() const {
  return 2 * absl::ToInt64Microseconds(plan_.core_limits.lane_timeout) + 25 * kSecond;
}

MeshWorld::~MeshWorld() { timeline_.Clear(); }

bool MeshWorld::Run() {
  for (size_t core = 0; core < cores_.size(); ++core) StartCore(core);
  for (int edge = 0; edge < plan_.edges; ++edge) NewEdge();
  // By then the cores know each other.
  if (!RunUntil(kSecond)) return false;
  for (int client = 0; client < plan_.clients; ++client) NewClient();
  ScheduleFault();
  if (!RunUntil(plan_.chaos)) return false;
  Heal();
  if (!RunUntilQuiet(plan_.chaos + QuietTime())) return false;
  // Queries that wait are answered by then.
  if (!RunUntil(timeline_.now() + absl::ToInt64Microseconds(plan_.edge_limits.query_hold) +
                2 * kLook))
    return false;
  oracle_.CheckEverythingArrived(cores_[0].host->router());
  for (const Core& core : cores_) oracle_.CheckRecords(core.host->router());
  if (!failure().empty() || !Meet() || !FindHeldRecord() || !PlayMoves() || !JoinSlowly() ||
      !PlayRelays())
    return false;
  for (const Person& person : people_) {
    if (!person.lane->alive()) continue;
    person.lane->Post([person] { person.lane->Leave(*person.client); });
  }
  if (!RunUntil(timeline_.now() + kLook)) return false;
  if (!RunUntilQuiet(timeline_.now() + QuietTime())) return false;
  if (!RunUntil(timeline_.now() + kSecond)) return false;
  CheckEmpty();
  for (const auto& lane : lanes_) {
    if (lane->alive()) lane->Kill(true);
  }
  coverage_.virtual_ms += static_cast<uint64_t>(timeline_.now() / kMs);
  return failure().empty();
}

bool MeshWorld::RunUntil(Time end) {
  while (failure().empty() && timeline_.Step(end)) ++coverage_.events;
  return failure().empty();
}

bool MeshWorld::RunUntilQuiet(Time end) {
  while (timeline_.now() < end) {
    if (!RunUntil(timeline_.now() + kLook)) return false;
    if (Quiet()) return true;
  }
  SayWhatIsStuck();
  oracle_.Fail("something is stuck");
  return false;
}

size_t MeshWorld::Running() const {
  size_t running = 0;
  for (const Core& core : cores_) running += core.host->running() ? 1 : 0;
  return running;
}

bool MeshWorld::CoreIsQuiet(core::Router& router) {
  if (!router.mesh()->ready() || !router.mesh()->Idle() || router.late().keeping()) return false;
  if (!router.directory().lanes().empty() && router.hold().holding()) return false;
  if (router.mesh()->members().size() + 1 != cores_.size()) return false;
  for (const auto& [id, lane] : router.directory().lanes()) {
    if (!lane->attached() || lane->channel->cost() > 0 || lane->ledger.owed() > 0 ||
        lane->ledger.open() || lane->late)
      return false;
  }
  return true;
}

bool MeshWorld::Quiet() {
  size_t alive = 0, known = 0;
  for (const auto& lane : lanes_) {
    if (!lane->alive()) continue;
    ++alive;
    if (!lane->Quiet()) return false;
    for (const auto& client : lane->clients()) {
      if (client->member && !client->asked.empty()) return false;
    }
  }
  for (const Core& core : cores_) {
    if (!core.host->running() || core.host->stopping() || !CoreIsQuiet(core.host->router()))
      return false;
    known += core.host->router().directory().lanes().size();
  }
  return known == alive;
}

void MeshWorld::SayWhatIsStuck() {
  for (const auto& lane : lanes_) {
    if (lane->alive() && !lane->Quiet())
      trace_.Say("stuck: lane ", lane->number(), ": open ", OpenRelaysOf(lane->lane()).size(),
                 ", waiting ", OutboxOf(lane->lane()).waiting_cost());
  }
  for (size_t i = 0; i < cores_.size(); ++i) {
    if (!cores_[i].host->running()) {
      trace_.Say("stuck: core ", i, " does not run");
      continue;
    }
    core::Router& router = cores_[i].host->router();
    trace_.Say("stuck? core ", i, " (", router.core_id() % 1000, ") lanes ",
               router.directory().lanes().size(), router.mesh()->ready() ? "" : ", joining",
               router.mesh()->Idle() ? "" : ", mesh busy: ", router.mesh()->DebugString(),
               router.hold().holding() ? ", holding" : "", router.late().keeping() ? ", late" : "");
    for (const auto& [id, lane] : router.directory().lanes())
      trace_.Say("  ", lane->edge, " lane ", lane->index, lane->attached() ? "" : " detached",
                 " keeps ", lane->channel->cost(), " owed ", lane->ledger.owed(),
                 lane->ledger.open() ? " open" : "", lane->late ? " late" : "");
  }
}

bool MeshWorld::EverybodyKnows(uint64_t peer, const std::string& topic) {
  const auto person = std::find_if(people_.begin(), people_.end(),
                                   [peer](const Person& one) { return one.peer == peer; });
  if (person == people_.end() || !person->lane->alive()) return false;
  const uint64_t lane = person->lane->lane().identity().lane_id;
  const auto home = std::find_if(cores_.begin(), cores_.end(), [peer](const Core& core) {
    return core.host->running() && core.host->router().directory().Peer(peer);
  });
  if (home == cores_.end()) return false;
  const core::Mesh& told_by = *home->host->router().mesh();
  uint64_t stamp = 0;  // of the same subscription
  for (const Core& core : cores_) {
    if (!core.host->running()) continue;
    core::Router& router = core.host->router();
    const uint64_t routed = router.mesh()->Routes(peer, topic);
    // A core that joins may not know the lane yet: then it keeps every relay for the lane until it
    // has the lane's subscriptions, as they were when the lane's core began to send them.
    const bool joins = !router.mesh()->ready() && !router.mesh()->KnowsLane(lane) &&
                       !told_by.members().contains(router.core_id());
    if (routed == 0 && joins) continue;
    if (routed == 0 || (stamp != 0 && routed != stamp)) return false;
    stamp = routed;
  }
  return true;
}

void MeshWorld::Handled(size_t index, const CoreHost::OpenedLane& opened) {
  Core& core = cores_[index];
  core::Router& router = core.host->router();
  for (const auto& lane : lanes_) {
    if (!lane->alive()) continue;
    const uint64_t id = lane->lane().identity().lane_id;
    if (!router.mesh()->HasLost(id)) {
      core.lost.erase(id);
    } else if (core.lost.insert(id).second) {
      oracle_.LaneLost(lane->number(), "given up", false);
    }
    if (id == opened.id && opened.late) oracle_.LaneLost(lane->number(), "late", false);
  }
  if (router.counters().lanes_ended[static_cast<size_t>(core::LaneEnd::kBroken)] > 0 ||
      router.mesh()->counters().members_ended[static_cast<size_t>(core::MeshEnd::kBroken)] > 0)
    oracle_.Fail("the numbering of a link was broken");
  oracle_.LookForSubscriptions(
      [this](uint64_t peer, const std::string& topic) { return EverybodyKnows(peer, topic); });
}

void MeshWorld::CheckEmpty() {
  for (const Core& core : cores_) {
    oracle_.CheckEmpty(core.host->router());
    if (core.host->router().mesh()->interest().size() != 0)
      oracle_.Fail("interest is left after everybody has left");
  }
}

// ---- lanes and clients

CoreHost& MeshWorld::NextCore(SimLane& lane) {
  if (const auto core = goes_to_.find(lane.number()); core != goes_to_.end())
    return *cores_[core->second].host;
  const auto it = prefers_.find(lane.number());
  const bool stays =
      it != prefers_.end() && cores_[it->second].host->running() && network_.Chance(60);
  if (!stays) prefers_[lane.number()] = network_.Below(cores_.size());
  return *cores_[prefers_[lane.number()]].host;
}

SimLane* MeshWorld::AnyLane() {
  std::vector<SimLane*> alive;
  for (const auto& lane : lanes_) {
    if (lane->alive()) alive.push_back(lane.get());
  }
  return alive.empty() ? nullptr : alive[faults_.Below(alive.size())];
}

void MeshWorld::NewEdge() {
  if (!acting() || lanes_.size() >= 10) return;
  const std::string name = absl::StrCat("edge ", ++edges_);
  const int64_t lanes = faults_.Between(1, plan_.max_lanes_per_edge);
  for (uint32_t index = 0; index < lanes; ++index) AddLane(name, index);
}

SimLane& MeshWorld::AddLane(const std::string& edge, uint32_t index) {
  const Surroundings around{
      timeline_, network_,  trace_,
      clock_,    plan_,     *cores_[0].host,
      oracle_,   coverage_, [this](SimLane& lane) -> CoreHost& { return NextCore(lane); }};
  return *lanes_.emplace_back(std::make_unique<SimLane>(around, edge, index, faults_.Next() | 1));
}

void MeshWorld::NewClient() {
  SimLane* lane = AnyLane();
  if (!lane || people_.size() >= kMaxClients || lane->draining()) return;
  const uint64_t proof = actions_.Next() | 1;
  const uint64_t kind = actions_.Below(20);
  const Speaks speaks = kind < 11 ? Speaks::kV2 : kind < 17 ? Speaks::kNative : Speaks::kRecords;
  const Person person = AddPerson(*lane, speaks, proof);
  for (int topic = 0; topic < plan_.topics; ++topic) {
    if (speaks != Speaks::kRecords && actions_.Chance(70)) Subscribe(person, topic);
  }
  timeline_.After(actions_.Scaled(kMs, plan_.action_interval), [this, person] { Act(person); });
}

MeshWorld::Person MeshWorld::AddPerson(SimLane& lane, Speaks speaks, uint64_t proof) {
  return people_.emplace_back(Person{&lane, lane.Join(proof, speaks), speaks, lane.PeerOf(proof)});
}

void MeshWorld::Act(const Person& person) {
  if (!acting() || !person.lane->alive()) return;
  timeline_.After(actions_.Scaled(kMs, 2 * plan_.action_interval), [this, person] { Act(person); });
  if (!person.client->member || person.client->asked.size() > 500) return;
  const uint64_t what = actions_.Below(1'000);
  if (what < 4) {
    NewClient();
    return person.lane->Ask(*person.client, [person] { person.lane->Leave(*person.client); });
  }
  if (person.speaks == Speaks::kRecords)
    return what < 600 ? Publish(person, AnyTopic()) : Query(person, AnyTopic());
  if (what < 80) return Subscribe(person, AnyTopic());
  if (what < 140) return Unsubscribe(person, AnyTopic());
  const bool v2 = person.speaks == Speaks::kV2;
  const int to = v2 && what < 350 ? static_cast<int>(actions_.Below(people_.size())) : -1;
  Relay(person, AnyTopic(), to, v2 && actions_.Chance(50));
}

void MeshWorld::Relay(const Person& person, int topic, int to, bool receipt) {
  person.lane->Ask(*person.client, [this, person, topic, to, receipt] {
    const int number = oracle_.Relay(person.client->number(), topic, to, receipt);
    const std::string payload = absl::StrCat(number, ":");
    const std::string name = absl::StrCat("t", topic);
    wire::Message message;
    message.kind = wire::MessageKind::kRelay;
    message.topic = name;
    message.payload = payload;
    if (receipt) message.receipt_id = static_cast<uint64_t>(number);
    trace_.Say("client ", person.client->number(), " relays ", number, " to topic ", topic,
               to < 0 ? std::string() : absl::StrCat(", client ", to));
    person.lane->lane().Relay(person.client->member, message,
                              to < 0 ? 0 : people_[static_cast<size_t>(to)].peer);
  });
}

void MeshWorld::Publish(const Person& person, int topic) {
  person.lane->Ask(*person.client, [this, person, topic] {
    const int number = oracle_.Relay(person.client->number(), topic, -1, false);
    trace_.Say("client ", person.client->number(), " publishes ", number, " to topic ", topic);
    oracle_.Published(person.client->number(), topic, number);
    wire::PublishedRecord record;
    record.peer_id = absl::StrCat("publisher ", person.client->number());
    record.blob = absl::StrCat(number, ":");
    person.lane->lane().Publish(person.client->member, absl::StrCat("t", topic), record);
  });
}

void MeshWorld::Query(const Person& person, int topic) {
  person.lane->Ask(*person.client, [this, person, topic] {
    oracle_.Queried(person.client->number(), topic);
    person.lane->lane().Query(person.client->member, absl::StrCat("t", topic));
  });
}

void MeshWorld::Subscribe(const Person& person, int topic) {
  person.lane->Ask(*person.client, [this, person, topic] {
    trace_.Say("client ", person.client->number(), " subscribes to topic ", topic);
    oracle_.Subscribed(person.client->number(), topic);
    person.lane->lane().Subscribe(person.client->member, absl::StrCat("t", topic));
  });
}

void MeshWorld::Unsubscribe(const Person& person, int topic) {
  person.lane->Ask(*person.client, [this, person, topic] {
    trace_.Say("client ", person.client->number(), " unsubscribes from topic ", topic);
    oracle_.Unsubscribed(person.client->number(), topic);
    person.lane->lane().Unsubscribe(person.client->member, absl::StrCat("t", topic));
  });
}

}  // namespace cairn::sim

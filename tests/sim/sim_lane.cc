#include "tests/sim/sim_lane.h"

#include <algorithm>
#include <utility>

#include "proto/link/timing.h"
#include "tests/sim/inside.h"

namespace cairn::sim {
namespace {

constexpr Time kTickTime = link::kTick.count() * kMs;
constexpr Time kReportInterval = 2 * kSecond;
// How far a message may exceed the bound: a lane's figures, or one peer with all its topics and
// queries.
constexpr size_t kFigures = 20'000;
constexpr size_t kOverhead = 1'024;

std::string SecretOf(uint64_t number) { return absl::StrCat(absl::Hex(number, absl::kZeroPad16)); }

}  // namespace

class SimLane::Opener final : public edge::CoreStreamOpener {
 public:
  explicit Opener(SimLane& lane) : lane_(lane) {}
  std::unique_ptr<edge::CoreStream> OpenStream(edge::CoreStreamListener& listener) override {
    const Surroundings& around = lane_.around_;
    const auto connection =
        std::make_shared<SimStream>(around.timeline, around.network, around.trace, lane_.weather,
                                    around.next_core ? around.next_core(lane_) : around.core, lane_,
                                    listener, absl::StrCat("lane ", lane_.number_));
    lane_.connection_ = connection;
    // Only if the connection will be established.
    if (around.timeline.now() >= lane_.weather.refused_until && around.core.running()) {
      const auto [messages, wait] = std::exchange(lane_.freeze_next_, {0, 0});
      connection->FreezeAfter(messages, wait);
    }
    return connection->Open();
  }

 private:
  SimLane& lane_;
};

SimLane::SimLane(const Surroundings& around, std::string edge, uint32_t index, uint64_t secret)
    : weather(around.plan.weather),
      around_(around),
      edge_(std::move(edge)),
      secret_(SecretOf(secret)),
      number_(around.oracle.AddLane(link::LaneIdOf(secret_))) {
  edge::LaneIdentity identity{link::LaneIdOf(secret_), edge_, index, "sim", 0, secret_};
  lane_ = std::make_unique<edge::Lane>(identity, around.plan.edge_limits, counters_, around.clock);
  link_ = std::make_unique<edge::LaneLink>(std::make_unique<Opener>(*this), std::move(identity),
                                           *this, *this, around.plan.link_options, around.clock);
  around.trace.Say("lane ", number_, " of ", edge_, " starts");
  lane_->Connect(link_.get());
  around.timeline.After(around.network.Between(0, kTickTime), [this] { Tick(); });
}

SimLane::~SimLane() {
  link_.reset();
  lane_.reset();
}

// ---- tasks

void SimLane::Post(std::function<void()> task) {
  around_.timeline.After(kPostTime, [this, task = std::move(task)] {
    if (!alive()) return;
    if (hung_) return waiting_.push_back(task);
    Run(task);
  });
}

void SimLane::PostAfter(absl::Duration wait, std::function<void()> task) {
  around_.timeline.After(absl::ToInt64Microseconds(wait),
                         [this, task = std::move(task)]() mutable { Post(std::move(task)); });
}

void SimLane::Run(const std::function<void()>& task) {
  lane_->SetReadTime(absl::ToUnixMicros(around_.clock.WallTime()));
  task();
  if (alive()) FinishTurn();
}

void SimLane::SetHung(bool hung) {
  hung_ = hung;
  while (!hung_ && alive() && !waiting_.empty()) {
    const std::function<void()> task = std::move(waiting_.front());
    waiting_.pop_front();
    Run(task);
  }
}

void SimLane::FinishTurn() {
  lane_->Flush();
  while (lane_->has_waiting()) lane_->DeliverWaiting();
  lane_->EndTurn();
  CheckBounds();
  if (const auto connection = connection_.lock(); connection && connection->refused())
    around_.oracle.Fail(absl::StrCat("lane ", number_, " refused what the core said"));
  if (OutboxOf(*lane_).empty() && link_->cost() == 0 && link_->connected() && CoreHasHandledAll())
    around_.oracle.LaneIdle(number_);
  if (paused_.empty() || lane_->congested()) return;
  for (SimClient* client : std::exchange(paused_, {})) {
    client->paused = false;
    Read(*client);
  }
}

// The core acknowledges a message before it has handled all of it, if that takes several turns.
bool SimLane::CoreHasHandledAll() const {
  const auto connection = connection_.lock();
  if (!connection || !connection->core().running()) return false;
  const core::LaneRecord* lane =
      connection->core().router().directory().FindLane(link::LaneIdOf(secret_));
  return lane && lane->batches.empty();
}

// ---- ticks

void SimLane::Tick() {
  if (!alive()) return;
  around_.timeline.After(kTickTime, [this] { Tick(); });
  if (hung_) return;
  Run([this] {
    if (around_.timeline.now() >= next_report_ && !lane_->Report(draining_))
      next_report_ = around_.timeline.now() + kReportInterval;
    lane_->EndQueries();
    lane_->Tick();
    link_->Tick();
    if (draining_) DrainTick();
  });
}

void SimLane::Drain() {
  draining_ = true;
  around_.trace.Say("lane ", number_, " drains");
}

void SimLane::DrainTick() {
  for (const auto& client : clients_) {
    if (client->member) return Leave(*client);
  }
  const Time now = around_.timeline.now();
  lane_->SayGoodbye();
  if (goodbye_end_ == 0) goodbye_end_ = now + link::kGoodbyeTimeout.count() * kMs;
  const bool finished = lane_->finished();
  if (finished || now >= goodbye_end_) {
    // Not within the lane's own turn.
    around_.timeline.After(0, [this, finished] { Kill(finished); });
  }
}

void SimLane::Kill(bool finished) {
  if (!alive()) return;
  around_.trace.Say("lane ", number_, finished ? " has ended" : " is killed");
  around_.oracle.LaneEnded(number_, finished);
  for (const auto& client : clients_) {
    client->member = nullptr;
    client->asked.clear();
    around_.oracle.Left(client->number());
  }
  paused_.clear();
  waiting_.clear();
  around_.coverage.duplicates_dropped += Drops(edge::DropReason::kDuplicate);
  link_.reset();
  lane_.reset();
}

// ---- clients

SimClient* SimLane::Join(uint64_t proof, Speaks speaks) {
  const uint64_t peer = PeerOf(proof);
  const int number = around_.oracle.AddClient(peer, speaks, number_);
  SimClient* client =
      clients_.emplace_back(std::make_unique<SimClient>(around_.oracle, number)).get();
  around_.trace.Say("client ", number, " joins lane ", number_,
                    speaks == Speaks::kV2        ? " (v2)"
                    : speaks == Speaks::kRecords ? " (records)"
                                                 : "");
  Post([this, client, peer, proof, speaks] {
    edge::Lane::PeerFacts facts;
    facts.proof = proof;
    facts.dialect = speaks == Speaks::kV2 ? wire::Dialect::kV2 : wire::Dialect::kNative;
    client->member = lane_->Join(peer, client, std::move(facts));
    if (!client->asked.empty()) Read(*client);
  });
  return client;
}

void SimLane::Leave(SimClient& client) {
  if (!client.member) return;
  around_.trace.Say("client ", client.number(), " leaves");
  around_.oracle.Left(client.number());
  lane_->Leave(std::exchange(client.member, nullptr), 1001, "client_gone");
  client.asked.clear();
  std::erase(paused_, &client);
}

void SimLane::Ask(SimClient& client, std::function<void()> act) {
  client.asked.push_back(std::move(act));
  Read(client);
}

void SimLane::Read(SimClient& client) {
  if (!client.member || client.paused || std::exchange(client.reading, true)) return;
  Post([this, &client] {
    client.reading = false;
    for (int reads = 0; client.member && !client.asked.empty(); ++reads) {
      if (reads == kReadsPerTurn) return Read(client);
      if (lane_->congested()) {
        ++around_.coverage.congested;
        client.paused = true;
        return paused_.push_back(&client);
      }
      const std::function<void()> act = std::move(client.asked.front());
      client.asked.pop_front();
      act();
    }
  });
}

// ---- sessions

void SimLane::OnSession(edge::CoreSession session) {
  const bool forgotten = session.outage > absl::FromChrono(link::kUnsureRelaysKept);
  const uint64_t before = Drops(edge::DropReason::kRelayUnsure);
  lane_->OnSession(std::move(session));
  const uint64_t given_up = Drops(edge::DropReason::kRelayUnsure) - before;
  if (given_up == 0) return;
  around_.trace.Say("lane ", number_, " gives up ", given_up, " relays that may have arrived");
  if (!forgotten)
    around_.oracle.Fail(absl::StrCat("lane ", number_, " gave up relays without a reason"));
  around_.oracle.Unsure(number_, given_up);
}

void SimLane::OnCoreMessage(signaling::v1::CoreToLane& message) {
  for (const signaling::v1::Notice& notice : message.notices()) {
    if (notice.kind() == signaling::v1::Notice::KIND_MISSED) around_.oracle.LaneMissed(number_);
  }
  if (message.has_roster()) around_.oracle.RosterTold(number_, NumberOf(*link_), message.roster());
  lane_->OnCoreMessage(message);
}

// ---- checks

uint64_t SimLane::Drops(edge::DropReason reason) const {
  return counters_.drops[static_cast<size_t>(reason)].Get();
}

bool SimLane::Quiet() const {
  return !hung_ && link_->connected() && link_->cost() == 0 && OutboxOf(*lane_).empty() &&
         OpenRelaysOf(*lane_).empty() && UntoldOf(*lane_).empty() && paused_.empty() && !draining_;
}

void SimLane::CheckBounds() {
  const Plan& plan = around_.plan;
  const size_t event = static_cast<size_t>(plan.max_payload) + kOverhead;
  const size_t turn = kReadsPerTurn * event;
  const size_t waiting = OutboxOf(*lane_).waiting_cost();
  const size_t open = OpenRelaysOf(*lane_).cost();
  const auto hold = [this](std::string_view what, size_t cost, size_t bound) {
    if (cost > bound)
      around_.oracle.Fail(absl::StrCat("lane ", number_, ": ",
                                       absl::string_view(what.data(), what.size()), " costs ", cost,
                                       ", the bound is ", bound));
  };
  hold("its link", link_->cost(), plan.link_options.window + event + kFigures);
  hold("all it keeps", waiting + link_->cost() + open,
       plan.edge_limits.max_backlog_bytes + plan.edge_limits.max_open_bytes +
           plan.link_options.window + turn + kFigures);
}

}  // namespace cairn::sim

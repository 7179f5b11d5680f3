#include "core/router.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/event_rules.h"
#include "core/lane_rules.h"
#include "core/mesh_host.h"

namespace cairn::core {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

Turn TurnAt(const Clock& clock) {
  Turn turn;
  turn.now = clock.Elapsed();
  turn.steady_us = absl::ToInt64Microseconds(turn.now);
  turn.now_us = absl::ToUnixMicros(clock.WallTime());
  return turn;
}

}  // namespace

using signaling::v1::CoreToLane;
using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;

Router::Router(uint64_t core_id, const CoreLimits& limits, const Clock& clock)
    : core_id_(core_id),
      limits_(limits),
      clock_(clock),
      turn_(TurnAt(clock)),
      started_us_(turn_.now_us),
      refusals_(counters_, clock),
      records_(directory_, output_, turn_),
      recovery_(core_id, limits_, turn_, directory_, output_, counters_, mesh_),
      presence_(turn_, directory_, output_, feed_, records_.answers(), counters_, mesh_),
      relays_(turn_, directory_, output_, feed_, recovery_, counters_, mesh_),
      lanes_(core_id, limits_,
             {turn_, directory_, output_, records_.answers(), batches_, presence_, recovery_,
              relays_, refusals_, counters_, mesh_}),
      wall_ahead_(clock.WallTime() - absl::UnixEpoch() - turn_.now),
      last_tick_(turn_.now) {}

Router::~Router() = default;

void Router::JoinMesh(MeshBus& bus, std::string name, std::string version, std::string fleet) {
  lanes_.SetFleet(std::move(fleet));
  const MeshHost host{turn_, directory_, relays_, presence_, records_, recovery_, lanes_};
  mesh_ = std::make_unique<Mesh>(core_id_, std::move(name), std::move(version), limits_, host, bus,
                                 turn_.now);
}

void Router::LeaveMesh() { mesh_.reset(); }

void Router::Handle(RouterInput& input) {
  turn_.BeginAt(clock_.Elapsed(), wall_ahead_);
  records_.answers().BeginTurn();
  routed_older_ = false;
  Dispatch(input);
  // After a longer pause the tick decides: it excuses lanes whose messages could not be received.
  if (turn_.now - last_tick_ <= kLongestTick) recovery_.EndHoldWhenDue();
  RouteOlder();
  SettleKept();
  recovery_.GiveBackWithheld();
  const bool more_answers = records_.answers().Pay();
  unfinished_ =
      more_answers || !batches_.empty() || recovery_.has_older() || recovery_.settles_kept();
  SendGathered();
}

// Without a mesh there is no bus that its inputs could come from.
void Router::Dispatch(RouterInput& input) {
  std::visit(Overloaded{
                 [this](DirectOpened& opened) { lanes_.Open(opened); },
                 [this](LaneOpened& opened) { lanes_.Open(opened); },
                 [this](LaneBatch& batch) { OnBatch(batch); },
                 [this](LaneWritable& writable) {
                   if (LaneRecord* lane = directory_.FindLane(writable.endpoint.get()))
                     output_.Mark(*lane);
                 },
                 [this](LaneClosed& closed) { OnClosed(closed); },
                 [this](CoreStopping&) { stopping_ = true; },
                 [this](AdminCall& call) { call.run(*this); },
                 [this](Tick&) { OnTick(); },
                 [this](Continue&) {
                   turn_wanted_ = false;
                   GoOn();
                 },
                 [this](MeshArrived& arrived) {
                   if (mesh_) mesh_->OnMessage(arrived.message, turn_.now);
                 },
                 // What has gathered is sent after every input.
                 [](MeshWritable&) {},
                 [this](MeshNobody& nobody) {
                   if (mesh_) mesh_->OnNobody(nobody.core_id);
                 },
             },
             input);
}

void Router::OnTick() {
  GoOn();
  wall_ahead_ = clock_.WallTime() - absl::UnixEpoch() - turn_.now;
  records_.Expire();
  const bool was_stopped = turn_.now - std::exchange(last_tick_, turn_.now) > kLongestTick;
  if (was_stopped) recovery_.hold().Excuse(turn_.now);
  if (!stopping_) lanes_.GiveUpOverdue(was_stopped);
  if (mesh_) mesh_->Tick(turn_.now);
  lanes_.DrainOn();
  recovery_.GiveUpLateWhenDue();
  if (!stopping_) lanes_.LimitQueues();
  ticking_ = true;
  for (const auto& [id, lane] : directory_.lanes()) {
    if (!lane->channel) continue;
    lane->channel->AckNow();
    if (lane->roster_version != recovery_.roster_version()) recovery_.AddRoster(*lane);
    output_.Mark(*lane);
  }
}

void Router::OnClosed(LaneClosed& closed) {
  LaneRecord* lane = directory_.FindLane(closed.endpoint.get());
  if (!lane || stopping_) return;
  if (!FinishBatches(*lane)) return;
  lanes_.OnClosed(*lane, *closed.endpoint);
}

void Router::OnBatch(LaneBatch& input) {
  LaneRecord* lane = directory_.FindLane(input.endpoint.get());
  LaneToCore& batch = input.batch;
  if (!lane) {
    counters_.events_ignored += static_cast<uint64_t>(batch.events_size());
    return;
  }
  if (lane->channel) {
    output_.Mark(*lane);
    const link::Receipt receipt = lane->channel->Receive(
        batch, turn_.now,
        [&](const CoreToLane& message) { relays_.OnAcknowledged(*lane, message); });
    if (receipt == link::Receipt::kBroken) return lanes_.GiveUp(*lane, LaneEnd::kBroken);
    if (receipt == link::Receipt::kNothing)
      return recovery_.GiveBack(*lane, *input.endpoint, batch);
    ReturnHold& hold = recovery_.hold();
    if (lane->state == LaneState::kSyncing && hold.holding() && batch.events_size() > 0)
      hold.OnProgress(lane->id, turn_.now);
  }
  if (batch.has_stats()) {
    const auto refusal = lane->channel ? WhyRefused(batch.stats(), limits_) : std::nullopt;
    if (refusal) {
      refusals_.Add(*refusal, lane->edge, lane->index);
    } else {
      lane->stats.Swap(batch.mutable_stats());
      lane->tls_not_after_us = lane->stats.tls_not_after_us();
    }
  }
  int next = 0;
  if (lane->batches.empty()) {
    const BatchState state = HandleEvents(*lane, batch, next);
    if (state == BatchState::kLaneGone) return;
    if (state == BatchState::kDone) return recovery_.GiveBack(*lane, *input.endpoint, batch);
  }
  batches_.Add(*lane, {std::move(input.endpoint), std::move(batch), next});
}

// ---- events of a lane

bool Router::OnEventOfLink(LaneRecord& lane, LaneEvent& event) {
  std::optional<LaneRefusal> refusal = WhyRefusedNow(directory_, limits_, lane, event);
  const bool follows = FollowsLast(lane, event);
  if (!follows) refusal = LaneRefusal::kRelayNumber;
  if (refusal) {
    refusals_.Add(*refusal, lane.edge, lane.index);
    ++counters_.events_ignored;
  } else {
    OnEvent(lane, event);
  }
  if (!follows) lanes_.GiveUp(lane, LaneEnd::kBroken);
  return follows;
}

void Router::OnEvent(LaneRecord& lane, LaneEvent& event) {
  ++turn_.work;
  if (event.seq() != 0) {
    if (event.seq() <= lane.last_seq) {
      ++counters_.events_ignored;
      return;
    }
    lane.last_seq = event.seq();
    if (recovery_.IsHeld(lane)) return recovery_.hold().Add(lane.id, event);
  }
  switch (event.kind()) {
    case LaneEvent::KIND_RELAYED:
      return relays_.Route(lane.id, &lane, event);
    case LaneEvent::KIND_PEER_OPENED:
      return presence_.Open(lane, event);
    case LaneEvent::KIND_PUBLISHED:
      return Publish(lane.id, &lane, event);
    case LaneEvent::KIND_SNAPSHOT_END:
      lane.state = LaneState::kLive;
      return recovery_.OnSnapshotEnd(lane);
    case LaneEvent::KIND_GOODBYE:
      lane.state = LaneState::kLeaving;
      return;
    default:
      return OnPeerEvent(lane, event);
  }
}

void Router::OnPeerEvent(LaneRecord& lane, LaneEvent& event) {
  PeerRecord* peer = directory_.FindPeer(event.peer());
  if (!peer || peer->lane != &lane) {
    ++counters_.events_ignored;
    return;
  }
  switch (event.kind()) {
    case LaneEvent::KIND_SUBSCRIBED:
      return presence_.Subscribe(*peer, event);
    case LaneEvent::KIND_UNSUBSCRIBED:
      return presence_.Unsubscribe(*peer, event.topic());
    case LaneEvent::KIND_PEER_STATS:
      peer->stats.Swap(event.mutable_stats());
      peer->stats_at_us = turn_.now_us;
      return;
    case LaneEvent::KIND_QUERIED:
      return records_.Query(*peer, event);
    case LaneEvent::KIND_QUERY_ENDED:
      return records_.answers().End(*peer, event.topic());
    case LaneEvent::KIND_PEER_CLOSED:
      if (event.has_stats()) peer->stats.Swap(event.mutable_stats());
      return presence_.Close(*peer, event.close_code(), event.close_reason());
    default:
      ++counters_.events_ignored;
  }
}

void Router::Publish(uint64_t lane_id, LaneRecord* lane, LaneEvent& event) {
  const std::string topic = event.topic();
  // Lanes republish what a core has lost, in any order.
  const auto said = event.seq() == 0 ? RecordStore::Said::kBefore : RecordStore::Said::kNow;
  if (mesh_) mesh_->OnPublished(lane_id, topic, event.record(), said);
  records_.Add(topic, std::move(*event.mutable_record()), said, lane_id);
  // A record of a snapshot has been relayed before.
  if (event.seq() != 0) relays_.Route(lane_id, lane, event);
}

// ---- output

void Router::SendGathered() {
  std::vector<LaneRecord*> full;
  // Giving up a lane adds messages for others.
  while (!output_.empty()) {
    output_.SendEach([&](LaneRecord& lane) {
      Send(lane);
      if (lane.channel && lane.channel->full(limits_.max_lane_queued_bytes)) full.push_back(&lane);
    });
    for (LaneRecord* lane : full) lanes_.GiveUp(*lane, LaneEnd::kFull);
    full.clear();
  }
  ticking_ = false;
  if (mesh_) mesh_->Pump(turn_.now);
}

void Router::Send(LaneRecord& lane) {
  if (lane.sink) return lane.sink->Send(lane.out);
  RelayLedger& ledger = lane.ledger;
  // A separate message would wake the edge for this alone.
  const bool tell =
      ticking_ || ledger.untold() >= Relays::kRelaysPerAck || !link::IsEmpty(lane.out);
  if (tell && ledger.untold() > 0) {
    // A lane that forgets a relay knows which lanes were connected when it was routed.
    if (lane.roster_version != recovery_.roster_version()) recovery_.AddRoster(lane);
    ledger.TakeSettled(lane.out.mutable_settled());
  }
  // A lane cannot acknowledge what comes for it before its own batch has been handled.
  const bool goes_on = routed_older_ || !lane.batches.empty();
  if (!link::IsEmpty(lane.out)) lane.channel->Append(lane.out, turn_.now, goes_on);
  if (lane.channel->attached()) lane.channel->Pump();
}

}  // namespace cairn::core

#include "core/lanes.h"

#include <absl/time/time.h>

#include <utility>

#include "base/log.h"
#include "core/event_rules.h"
#include "proto/link/identity.h"
#include "proto/link/protocol_version.h"
#include "proto/link/timing.h"

namespace cairn::core {

using signaling::v1::CoreToLane;
using signaling::v1::Delivery;
using signaling::v1::Hello;
using signaling::v1::LaneToCore;
using signaling::v1::Notice;
using signaling::v1::Welcome;

namespace {

// A core that drains takes lanes while no other does. So long must another do so before it sends
// them there: one that hangs now and then would be sent them again and again.
constexpr absl::Duration kTakesLanesAgain = absl::Seconds(5);

absl::Status WhyDrained() { return absl::UnavailableError("the core drains: go to another"); }

}  // namespace

Lanes::Lanes(uint64_t core_id, const CoreLimits& limits, const Parts& parts)
    : core_id_(core_id),
      limits_(limits),
      turn_(parts.turn),
      directory_(parts.directory),
      output_(parts.output),
      answers_(parts.answers),
      batches_(parts.batches),
      presence_(parts.presence),
      recovery_(parts.recovery),
      relays_(parts.relays),
      refusals_(parts.refusals),
      counters_(parts.counters),
      mesh_(parts.mesh),
      tombstones_(limits.max_tombstones) {}

// ---- streams

void Lanes::Open(DirectOpened& opened) {
  LaneRecord* lane = directory_.AddLane(opened.hello, turn_.now_us);
  directory_.Bind(opened.sink.get(), *lane);
  lane->sink = std::move(opened.sink);
  if (mesh_) {
    mesh_->OnLaneHere(*lane, 1);
    mesh_->OnLaneReady(*lane);
  }
  presence_.OnLaneUp(*lane);
}

absl::Status Lanes::Admit(const LaneOpened& opened) {
  const Hello& hello = opened.hello;
  LaneRecord* lane = directory_.FindLane(hello.lane_id());
  const std::string* secret = lane ? &lane->secret : tombstones_.Find(hello.lane_id());
  if ((lane && lane->sink) || (secret && !link::SameSecret(*secret, hello.secret()))) {
    ++counters_.lanes_refused;
    refusals_.Add(LaneRefusal::kSecret, hello.edge(), hello.lane_index());
    return absl::PermissionDeniedError("the lane exists, and the secret is not its own");
  }
  if (SendsAway()) return WhyDrained();
  if (mesh_) {
    if (!mesh_->ready()) return absl::UnavailableError("the core is still joining its fleet");
    if (mesh_->IsStale(hello.lane_id(), hello.session()))
      return absl::AbortedError("the lane has opened a newer stream");
    // It has been elsewhere: what is left of it here is taken over, and the lane removed.
    if (lane && hello.core_id() != core_id_) mesh_->OnLaneReturns(*lane, hello.session());
  }
  if (!directory_.FindLane(hello.lane_id()) && !HasRoomForLane(directory_, limits_, hello)) {
    refusals_.Add(LaneRefusal::kTooManyLanes, hello.edge(), hello.lane_index());
    return absl::ResourceExhaustedError(
        "the core has as many lanes as it may, or as many of this edge");
  }
  return absl::OkStatus();
}

void Lanes::Open(LaneOpened& opened) {
  if (const absl::Status status = Admit(opened); !status.ok()) return opened.stream->Close(status);
  LaneRecord* lane = directory_.FindLane(opened.hello.lane_id());
  CoreToLane answer;
  Welcome* welcome = answer.mutable_welcome();
  const bool same_link =
      lane && opened.hello.core_id() == core_id_ && opened.hello.link() == lane->channel->number();
  if (same_link) {
    if (!Resume(*lane, opened)) return opened.stream->Close(StatusOf(LaneEnd::kBroken));
    welcome->set_outcome(Welcome::OUTCOME_RESUMED);
    welcome->set_received(lane->channel->received());
    if (mesh_) mesh_->OnLaneResumed(*lane, opened.hello.session());
  } else {
    if (lane) GiveUp(*lane, LaneEnd::kReplaced);
    lane = &Begin(opened, *welcome);
  }
  SendWelcome(*lane, answer);
}

void Lanes::SendWelcome(LaneRecord& lane, CoreToLane& answer) {
  Welcome& welcome = *answer.mutable_welcome();
  welcome.set_protocol_version(link::kProtocolVersion);
  welcome.set_core_id(core_id_);
  welcome.set_link(lane.channel->number());
  welcome.set_beat_ms(static_cast<uint32_t>(
      absl::ToInt64Milliseconds(limits_.lane_timeout / link::kBeatsPerTimeout)));
  *welcome.mutable_earlier_cores() = recovery_.earlier_cores();
  welcome.set_fleet(fleet_);
  // Before anything that the link has gathered.
  LaneStream& stream = *lane.channel->stream();
  stream.Write(answer);
  output_.Mark(lane);
  LaneToCore nothing;
  recovery_.GiveBack(lane, stream, nothing);
}

bool Lanes::Resume(LaneRecord& lane, LaneOpened& opened) {
  DetachStream(lane, absl::AbortedError("the lane has opened a newer stream"));
  lane.withheld = 0;
  directory_.Bind(opened.stream.get(), lane);
  const bool resumed = lane.channel->Resume(
      opened.stream, opened.hello.received(), turn_.now,
      [&](const CoreToLane& message) { relays_.OnAcknowledged(lane, message); });
  if (resumed) return true;
  directory_.Unbind(opened.stream.get());
  GiveUp(lane, LaneEnd::kBroken);
  return false;
}

LaneRecord& Lanes::Begin(LaneOpened& opened, Welcome& welcome) {
  Hello& hello = opened.hello;
  const Recovery::Outcome outcome = recovery_.OnHello(hello);
  welcome.set_outcome(outcome);
  LaneRecord* lane = directory_.AddLane(hello, turn_.now_us);
  lane->late = recovery_.late().Contains(hello.lane_id());
  directory_.Bind(opened.stream.get(), *lane);
  lane->channel =
      std::make_unique<LaneChannel>(++last_link_, std::move(opened.stream), limits_, turn_.now);
  // After the channel: others are told of its messages.
  if (mesh_ && mesh_->OnLaneHere(*lane, hello.session())) lane->late = true;
  recovery_.OnLaneAdded(*lane, outcome);
  presence_.OnLaneUp(*lane);
  return *lane;
}

void Lanes::OnClosed(LaneRecord& lane, const LaneEndpoint& endpoint) {
  if (lane.sink) return Close(lane, false);
  const bool unsettled =
      lane.ledger.open() || recovery_.hold().cost(lane.id) > 0 || !lane.batches.empty();
  if (lane.state == LaneState::kLeaving && !unsettled) {
    Bury(lane);
    recovery_.StopAwaiting(lane.id);
    return Close(lane, false);
  }
  // It may reconnect: until it is overdue its peers stay, and data for them is kept.
  directory_.Unbind(&endpoint);
  lane.channel->Detach();
  lane.withheld = 0;
}

void Lanes::DetachStream(LaneRecord& lane, const absl::Status& status) {
  const std::shared_ptr<LaneStream> stream = lane.channel->Detach();
  if (!stream) return;
  directory_.Unbind(stream.get());
  stream->Close(status);
}

// ---- the end of a lane

void Lanes::GiveUpOverdue(bool excused) {
  std::vector<LaneRecord*> overdue;
  for (const auto& [id, lane] : directory_.lanes()) {
    // Nor can a lane acknowledge anything while its last message waits here.
    const bool is_waiting = !lane->batches.empty() || lane->withheld > 0;
    if (lane->channel && (excused || is_waiting))
      lane->channel->Excuse(turn_.now, limits_.lane_timeout,
                            absl::FromChrono(link::kReturnPatience));
    if (lane->channel && lane->channel->overdue(turn_.now, limits_.lane_timeout))
      overdue.push_back(lane.get());
  }
  for (LaneRecord* lane : overdue) GiveUp(*lane, LaneEnd::kTimeout);
}

void Lanes::LimitQueues() {
  size_t total = 0;
  for (const auto& [id, lane] : directory_.lanes()) {
    if (lane->channel) total += lane->channel->memory();
  }
  while (total > limits_.max_queued_bytes_of_lanes) {
    LaneRecord* largest = nullptr;
    for (const auto& [id, lane] : directory_.lanes()) {
      if (lane->channel && (!largest || lane->channel->memory() > largest->channel->memory()))
        largest = lane.get();
    }
    const size_t memory = largest ? largest->channel->memory() : 0;
    if (memory == 0) return;
    total -= memory;
    GiveUp(*largest, LaneEnd::kFull);
  }
}

void Lanes::GiveUp(LaneRecord& lane, LaneEnd reason) {
  // The lane never received a message of a link on which it has sent nothing.
  const bool used = lane.channel->received() > 0;
  if (used) {
    const size_t deliveries = lane.ledger.owed();
    ++counters_.lanes_ended[static_cast<size_t>(reason)];
    counters_.deliveries_given_up[static_cast<size_t>(reason)] += deliveries;
    log::Warn(log::Core(), "lane_given_up",
              {{"edge", log::Text(lane.edge)},
               {"lane", lane.index},
               {"reason", std::string(Name(reason))},
               {"peers", static_cast<uint64_t>(lane.peers.size())},
               {"relays", static_cast<uint64_t>(deliveries)}});
  }
  Bury(lane);
  DetachStream(lane, StatusOf(reason));
  // A lane that has begun a new link will send its snapshot on that.
  if (reason != LaneEnd::kReplaced) recovery_.StopAwaiting(lane.id);
  Close(lane, true);
}

// Held relays of the lane are not settled: the lane resends them.
void Lanes::Bury(const LaneRecord& lane) {
  tombstones_.Set(lane.id, lane.secret);
  recovery_.hold().Forget(lane.id);
}

void Lanes::Close(LaneRecord& lane, bool given_up) {
  // A copy, because each call removes one from the set.
  const std::vector<PeerRecord*> peers(lane.peers.begin(), lane.peers.end());
  for (PeerRecord* peer : peers) presence_.Close(*peer, 0, "edge_lost");
  presence_.OnLaneDown(lane);
  // These deliveries have no peers left.
  lane.ledger.Answered(lane.ledger.owed(), [this](const auto& owed) { relays_.Settle(owed); });
  if (lane.sink) directory_.Unbind(lane.sink.get());
  if (lane.channel && lane.channel->attached()) directory_.Unbind(lane.channel->stream());
  if (mesh_) mesh_->OnLaneGone(lane.id, given_up);
  Remove(lane);
}

void Lanes::Remove(LaneRecord& lane) {
  output_.Forget(lane);
  answers_.Forget(lane);
  batches_.Forget(lane);
  recovery_.Forget(lane);
  directory_.RemoveLane(lane);
}

std::vector<Lanes::Unanswered> Lanes::MoveAway(LaneRecord& lane) {
  std::vector<Unanswered> unanswered;
  lane.ledger.Answered(lane.ledger.owed(), [&](const auto& owed) {
    unanswered.push_back({owed, {}});
  });
  size_t next = 0;
  bool missed = false;  // and was not told
  const auto take = [&](CoreToLane& message) {
    for (const Notice& notice : message.notices())
      missed = missed || notice.kind() == Notice::KIND_MISSED;
    for (Delivery& delivery : *message.mutable_deliveries()) {
      if (next < unanswered.size()) unanswered[next++].delivery.Swap(&delivery);
    }
  };
  for (CoreToLane& message : lane.channel->TakeUnacknowledged()) take(message);
  take(lane.out);
  if (missed) unanswered.push_back({{0, 0, 0}, {}});
  DetachStream(lane, absl::AbortedError("the lane is at another core"));
  recovery_.hold().Forget(lane.id);
  const std::vector<PeerRecord*> peers(lane.peers.begin(), lane.peers.end());
  for (PeerRecord* peer : peers) {
    answers_.Forget(*peer);
    directory_.RemovePeer(*peer, turn_.now_us, 0, "lane_moved");
  }
  Remove(lane);
  return unanswered;
}

// ---- an operator's order

uint32_t Lanes::SetDraining(bool draining) {
  draining_ = draining;
  alone_at_.reset();
  if (mesh_) mesh_->BeatNow();
  return draining ? SendAllAway() : 0;
}

void Lanes::DrainOn() {
  if (!draining_) return;
  if (!SendsAway()) {
    if (!alone_at_) {
      log::Warn(log::Core(), "drain_suspended",
                {{"hint", log::Text("no other core takes lanes, so this one does")}});
    }
    alone_at_ = turn_.now;
  } else if (alone_at_ && turn_.now - *alone_at_ >= kTakesLanesAgain) {
    alone_at_.reset();
    SendAllAway();
  }
}

uint32_t Lanes::SendAllAway() {
  uint32_t gone = 0;
  for (const auto& [id, lane] : directory_.lanes()) {
    if (!lane->attached() || !lane->channel) continue;
    ++gone;
    DetachStream(*lane, WhyDrained());
  }
  return gone;
}

}  // namespace cairn::core

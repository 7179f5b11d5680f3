// Router: lanes that connect, break, reconnect and are given up.
#include <absl/status/status.h>
#include <absl/time/time.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "core/lane_rules.h"
#include "core/router.h"
#include "proto/link/identity.h"
#include "proto/link/protocol_version.h"
#include "proto/link/timing.h"

namespace cairn::core {

using signaling::v1::CoreToLane;
using signaling::v1::Event;
using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;
using signaling::v1::Notice;
using signaling::v1::Welcome;

namespace {

bool TellsMissed(const CoreToLane& message) {
  return std::any_of(message.notices().begin(), message.notices().end(),
                     [](const Notice& notice) { return notice.kind() == Notice::KIND_MISSED; });
}

}  // namespace

// ---- lanes come

void Router::On(DirectOpened& opened) {
  LaneRecord* lane = directory_.AddLane(opened.hello, now_us_);
  directory_.Bind(opened.sink.get(), *lane);
  lane->sink = std::move(opened.sink);
  if (mesh_) {
    mesh_->OnLaneHere(*lane, 1);
    mesh_->OnLaneReady(*lane);
  }
  if (IsOnlyLane(*lane) && NewEvent(Event::KIND_EDGE_UP, *lane, nullptr)) feed_.Publish(event_);
}

void Router::On(LaneOpened& opened) {
  const uint64_t id = opened.hello.lane_id();
  LaneRecord* lane = directory_.FindLane(id);
  const std::string* secret = lane ? &lane->secret : tombstones_.Find(id);
  if ((lane && lane->sink) || (secret && !link::SameSecret(*secret, opened.hello.secret()))) {
    ++counters_.lanes_refused;
    Refuse(LaneRefusal::kSecret, opened.hello.edge(), opened.hello.lane_index());
    return opened.stream->Close(
        absl::PermissionDeniedError("the lane exists, and the secret is not its own"));
  }
  if (draining_) return opened.stream->Close(WhyDrained());
  if (mesh_ && !AdmitToMesh(opened)) return;
  lane = directory_.FindLane(id);
  if (!lane && !HasRoomForLane(opened.hello)) {
    Refuse(LaneRefusal::kTooManyLanes, opened.hello.edge(), opened.hello.lane_index());
    return opened.stream->Close(absl::ResourceExhaustedError(
        "the core has as many lanes as it may, or as many of this edge"));
  }
  CoreToLane answer;
  Welcome* welcome = answer.mutable_welcome();
  welcome->set_protocol_version(link::kProtocolVersion);
  welcome->set_core_id(core_id_);
  const bool same_link =
      lane && opened.hello.core_id() == core_id_ && opened.hello.link() == lane->channel->number();
  if (same_link) {
    if (!ResumeLane(*lane, opened)) return opened.stream->Close(StatusOf(LaneEnd::kBroken));
    welcome->set_outcome(Welcome::OUTCOME_RESUMED);
    welcome->set_received(lane->channel->received());
    if (mesh_) mesh_->OnLaneResumed(*lane, opened.hello.session());
  } else {
    if (lane) GiveUp(*lane, LaneEnd::kReplaced);
    lane = &BeginLane(opened, welcome);
  }
  welcome->set_link(lane->channel->number());
  welcome->set_beat_ms(static_cast<uint32_t>(
      absl::ToInt64Milliseconds(limits_.lane_timeout / link::kBeatsPerTimeout)));
  *welcome->mutable_earlier_cores() = passed_over_.earlier();
  welcome->set_fleet(fleet_);
  // Before anything that the link has gathered.
  LaneStream& stream = *lane->channel->stream();
  stream.Write(answer);
  MarkDirty(*lane);
  LaneToCore nothing;
  GiveBack(*lane, stream, nothing);
}

bool Router::ResumeLane(LaneRecord& lane, LaneOpened& opened) {
  DetachStream(lane, absl::AbortedError("the lane has opened a newer stream"));
  lane.withheld = 0;
  directory_.Bind(opened.stream.get(), lane);
  const bool resumed =
      lane.channel->Resume(opened.stream, opened.hello.received(), now_,
                           [&](const CoreToLane& message) { SettleAnswered(lane, message); });
  if (resumed) return true;
  directory_.Unbind(opened.stream.get());
  GiveUp(lane, LaneEnd::kBroken);
  return false;
}

void Router::SettleAnswered(LaneRecord& lane, const CoreToLane& message) {
  if (lane.unaware && TellsMissed(message)) {
    lane.unaware = false;
    ++roster_version_;
  }
  lane.ledger.Answered(static_cast<size_t>(message.deliveries_size()),
                       [this](const auto& owed) { Settle(owed); });
}

LaneRecord& Router::BeginLane(LaneOpened& opened, Welcome* welcome) {
  const signaling::v1::Hello& hello = opened.hello;
  const bool knew_another = KnewAnother(hello);
  welcome->set_outcome(Welcome::OUTCOME_NEW);
  if (hello.core_id() == core_id_ && !(mesh_ && mesh_->IsElsewhere(hello.lane_id()))) {
    welcome->set_outcome(Welcome::OUTCOME_GIVEN_UP);
  } else if (knew_another && !hold_.holding() && !late_.Contains(hello.lane_id())) {
    if (counters_.relays > 0) {
      welcome->set_outcome(Welcome::OUTCOME_LATE);
      ++counters_.lanes_late;
    } else {
      hold_.Reopen();
    }
  }
  // This core knows which lanes have connected since its own rosters.
  if (hello.roster().stamp().core_id() == core_id_)
    opened.hello.mutable_roster()->set_complete(false);
  hold_.OnHello(hello, knew_another, now_);
  passed_over_.OnHello(hello, knew_another);
  // Those of a core that nobody knows are waited for.
  if (mesh_ && !knew_another) mesh_->OnRoster(hello);
  if (mesh_) FinishLanesElsewhere(hello.roster());
  LaneRecord* lane = directory_.AddLane(hello, now_us_);
  lane->late = late_.Contains(hello.lane_id());
  directory_.Bind(opened.stream.get(), *lane);
  lane->channel =
      std::make_unique<LaneChannel>(++last_link_, std::move(opened.stream), limits_, now_);
  // After the channel: others are told of its messages.
  if (mesh_ && mesh_->OnLaneHere(*lane, hello.session())) lane->late = true;
  ++roster_version_;
  AddRoster(*lane);
  if (welcome->outcome() != Welcome::OUTCOME_NEW) passed_over_.OnTold(lane->id);
  if (!hold_.holding()) TellPassedOver();
  if (IsOnlyLane(*lane) && NewEvent(Event::KIND_EDGE_UP, *lane, nullptr)) feed_.Publish(event_);
  return *lane;
}

// ---- what they say

void Router::On(LaneBatch& input) {
  LaneRecord* lane = directory_.FindLane(input.endpoint.get());
  LaneToCore& batch = input.batch;
  if (!lane) {
    counters_.events_ignored += static_cast<uint64_t>(batch.events_size());
    return;
  }
  if (lane->channel) {
    MarkDirty(*lane);
    const link::Receipt receipt = lane->channel->Receive(
        batch, now_, [&](const CoreToLane& message) { SettleAnswered(*lane, message); });
    if (receipt == link::Receipt::kBroken) return GiveUp(*lane, LaneEnd::kBroken);
    if (receipt == link::Receipt::kNothing) return GiveBack(*lane, *input.endpoint, batch);
    if (lane->state == LaneState::kSyncing && hold_.holding() && batch.events_size() > 0)
      hold_.OnProgress(lane->id, now_);
  }
  if (batch.has_stats()) {
    const auto refusal = lane->channel ? WhyRefused(batch.stats(), limits_) : std::nullopt;
    if (refusal) {
      Refuse(*refusal, lane->edge, lane->index);
    } else {
      lane->stats.Swap(batch.mutable_stats());
      lane->tls_not_after_us = lane->stats.tls_not_after_us();
    }
  }
  int next = 0;
  if (lane->batches.empty()) {
    const BatchState state = HandleEvents(*lane, batch, next);
    if (state == BatchState::kLaneGone) return;
    if (state == BatchState::kDone) return GiveBack(*lane, *input.endpoint, batch);
  }
  lane->batches.push_back({std::move(input.endpoint), std::move(batch), next});
  if (!std::exchange(lane->has_turn, true)) turns_.push_back(lane);
}

void Router::GiveBack(LaneRecord& lane, LaneEndpoint& endpoint, LaneToCore& batch) {
  if ((hold_.holding() || hold_.releasing()) &&
      hold_.cost(lane.id) > limits_.max_held_bytes_per_lane) {
    ++lane.withheld;
    withholds_ = true;
    return;
  }
  batch.Clear();
  endpoint.OnHandled(std::move(batch));
}

void Router::On(LaneWritable& writable) {
  if (LaneRecord* lane = directory_.FindLane(writable.endpoint.get())) MarkDirty(*lane);
}

void Router::EndHold() {
  ++roster_version_;
  late_.Begin(hold_.TakeUnfinished(), hold_.limit());
  for (const uint64_t id : late_.lanes()) {
    if (LaneRecord* lane = directory_.FindLane(id)) lane->late = true;
  }
  // Lanes must hear of it before the first roster that lists which lanes are present.
  TellPassedOver();
}

// ---- lanes go

void Router::On(LaneClosed& closed) {
  LaneRecord* lane = directory_.FindLane(closed.endpoint.get());
  if (!lane || stopping_) return;
  if (!FinishBatches(*lane)) return;
  if (lane->sink) return CloseLane(*lane, false);
  const bool unsettled = lane->ledger.open() || hold_.cost(lane->id) > 0 || !lane->batches.empty();
  if (lane->state == LaneState::kLeaving && !unsettled) {
    Bury(*lane);
    StopAwaiting(lane->id);
    return CloseLane(*lane, false);
  }
  // It may reconnect: until it is overdue its peers stay, and data for them is kept.
  directory_.Unbind(closed.endpoint.get());
  lane->channel->Detach();
  lane->withheld = 0;
}

void Router::GiveUpOverdue(bool excused) {
  std::vector<LaneRecord*> overdue;
  for (const auto& [id, lane] : directory_.lanes()) {
    // Nor can a lane acknowledge anything while its last message waits here.
    const bool is_waiting = !lane->batches.empty() || lane->withheld > 0;
    if (lane->channel && (excused || is_waiting))
      lane->channel->Excuse(now_, limits_.lane_timeout, absl::FromChrono(link::kReturnPatience));
    if (lane->channel && lane->channel->overdue(now_, limits_.lane_timeout))
      overdue.push_back(lane.get());
  }
  for (LaneRecord* lane : overdue) GiveUp(*lane, LaneEnd::kTimeout);
}

void Router::GiveUp(LaneRecord& lane, LaneEnd reason) {
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
  if (reason != LaneEnd::kReplaced) StopAwaiting(lane.id);
  CloseLane(lane, true);
}

// Held relays of the lane are not settled: the lane resends them.
void Router::Bury(const LaneRecord& lane) {
  tombstones_.Set(lane.id, lane.secret);
  hold_.Forget(lane.id);
}

void Router::DetachStream(LaneRecord& lane, const absl::Status& status) {
  const std::shared_ptr<LaneStream> stream = lane.channel->Detach();
  if (!stream) return;
  directory_.Unbind(stream.get());
  stream->Close(status);
}

void Router::StopAwaiting(uint64_t lane_id) {
  hold_.OnGone(lane_id);
  passed_over_.OnGone(lane_id);
  if (!late_.keeping()) return;
  late_.Finish(lane_id);
  EndLate();
}

void Router::CloseLane(LaneRecord& lane, bool given_up) {
  // A copy, because each call removes one from the set.
  const std::vector<PeerRecord*> peers(lane.peers.begin(), lane.peers.end());
  for (PeerRecord* peer : peers) ClosePeer(*peer, 0, "edge_lost");
  if (IsOnlyLane(lane) && NewEvent(Event::KIND_EDGE_DOWN, lane, nullptr)) feed_.Publish(event_);
  // These deliveries have no peers left.
  lane.ledger.Answered(lane.ledger.owed(), [this](const auto& owed) { Settle(owed); });
  output_.Forget(lane);
  answers_.Forget(lane);
  if (lane.has_turn) std::erase(turns_, &lane);
  std::erase(catching_up_, &lane);
  if (lane.sink) directory_.Unbind(lane.sink.get());
  if (lane.channel && lane.channel->attached()) directory_.Unbind(lane.channel->stream());
  if (mesh_) mesh_->OnLaneGone(lane.id, given_up);
  directory_.RemoveLane(lane);
  ++roster_version_;
}

// An edge is opened with the first of its lanes and closed with the last.
bool Router::IsOnlyLane(const LaneRecord& lane) const {
  return std::none_of(directory_.lanes().begin(), directory_.lanes().end(),
                      [&lane](const auto& entry) {
                        return entry.second.get() != &lane && entry.second->edge == lane.edge;
                      });
}

}  // namespace cairn::core

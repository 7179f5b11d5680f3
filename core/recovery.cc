#include "core/recovery.h"

#include <algorithm>
#include <utility>

namespace cairn::core {

using signaling::v1::CoreToLane;
using signaling::v1::Hello;
using signaling::v1::LaneToCore;
using signaling::v1::Notice;
using signaling::v1::Welcome;

namespace {

bool TellsMissed(const CoreToLane& message) {
  return std::any_of(message.notices().begin(), message.notices().end(),
                     [](const Notice& notice) { return notice.kind() == Notice::KIND_MISSED; });
}

}  // namespace

Recovery::Recovery(uint64_t core_id, const CoreLimits& limits, const Turn& turn,
                   Directory& directory, LaneOutput& output, RouterCounters& counters,
                   const std::unique_ptr<Mesh>& mesh)
    : core_id_(core_id),
      limits_(limits),
      turn_(turn),
      directory_(directory),
      output_(output),
      counters_(counters),
      mesh_(mesh),
      hold_(turn.now),
      passed_over_(core_id),
      late_(limits.max_late_bytes) {}

// ---- lanes

Recovery::Outcome Recovery::OnHello(Hello& hello) {
  const bool knew_another = KnewAnother(hello);
  Outcome outcome = Welcome::OUTCOME_NEW;
  if (hello.core_id() == core_id_ && !(mesh_ && mesh_->IsElsewhere(hello.lane_id()))) {
    outcome = Welcome::OUTCOME_GIVEN_UP;
  } else if (knew_another && !late_.Contains(hello.lane_id())) {
    // While it holds, too: relays of lanes of this process are not held before others return.
    if (counters_.relays > 0) {
      outcome = Welcome::OUTCOME_LATE;
      ++counters_.lanes_late;
    } else if (!hold_.holding()) {
      hold_.Reopen();
    }
  }
  // This core knows which lanes have connected since its own rosters.
  if (hello.roster().stamp().core_id() == core_id_) hello.mutable_roster()->set_complete(false);
  hold_.OnHello(hello, knew_another, turn_.now);
  passed_over_.OnHello(hello, knew_another);
  // Lanes of a core that no other core knows are awaited instead.
  if (mesh_ && !knew_another) mesh_->OnRoster(hello);
  if (mesh_) FinishLanesElsewhere(hello.roster());
  return outcome;
}

void Recovery::OnLaneAdded(LaneRecord& lane, Outcome outcome) {
  ++roster_version_;
  AddRoster(lane);
  if (outcome != Welcome::OUTCOME_NEW) passed_over_.OnTold(lane.id);
  if (!hold_.holding()) TellPassedOver();
}

bool Recovery::KnewAnother(const Hello& hello) const {
  if (hello.core_id() == 0 || hello.core_id() == core_id_) return false;
  return !mesh_ || mesh_->IsForeign(hello.lane_id(), hello.core_id());
}

void Recovery::FinishLanesElsewhere(const signaling::v1::Roster& roster) {
  for (const auto* lanes : {&roster.lanes(), &roster.awaited(), &roster.elsewhere()}) {
    for (const uint64_t lane : *lanes) {
      if (mesh_->HasFinishedElsewhere(lane)) hold_.OnFinished(lane);
    }
  }
}

void Recovery::OnSnapshotEnd(LaneRecord& lane) {
  hold_.OnFinished(lane.id);
  if (mesh_) mesh_->OnLaneReady(lane);
  // What the mesh kept for it has gone ahead: what is held here must not pass it by.
  lane.late = late_.Contains(lane.id);
  if (lane.late) catching_up_.push_back(&lane);
}

void Recovery::OnCaughtUp(LaneRecord& lane) {
  lane.late = false;
  std::erase(catching_up_, &lane);
  if (mesh_) mesh_->OnLaneCaughtUp(lane);
  FinishLate(lane.id);
}

void Recovery::OnAcknowledged(LaneRecord& lane, const CoreToLane& message) {
  if (!lane.unaware || !TellsMissed(message)) return;
  lane.unaware = false;
  ++roster_version_;
}

void Recovery::StopAwaiting(uint64_t lane_id) {
  hold_.OnGone(lane_id);
  passed_over_.OnGone(lane_id);
  if (late_.keeping()) FinishLate(lane_id);
}

bool Recovery::OnLaneElsewhere(uint64_t lane_id) {
  ++roster_version_;
  hold_.OnFinished(lane_id);
  if (!late_.Contains(lane_id)) return false;
  FinishLate(lane_id);
  return true;
}

void Recovery::Forget(LaneRecord& lane) {
  std::erase(catching_up_, &lane);
  ++roster_version_;
}

void Recovery::TellMissed(uint64_t lane_id) {
  LaneRecord* lane = directory_.FindLane(lane_id);
  if (!lane) return;
  ++counters_.lanes_late;
  output_.For(*lane).add_notices()->set_kind(Notice::KIND_MISSED);
  // A lane of this process cannot miss the notice.
  if (!lane->channel) return;
  lane->unaware = true;
  ++roster_version_;
}

void Recovery::TellPassedOver() {
  for (const uint64_t id : passed_over_.Take()) TellMissed(id);
}

// ---- relays

// ---- time

void Recovery::EndHoldWhenDue() {
  if (!hold_.holding() || !hold_.End(turn_.now)) return;
  ++roster_version_;
  late_.Begin(hold_.TakeUnfinished(), hold_.limit());
  for (const uint64_t id : late_.lanes()) {
    if (LaneRecord* lane = directory_.FindLane(id)) lane->late = true;
  }
  // Lanes must hear of it before the first roster that lists which lanes are present.
  TellPassedOver();
}

void Recovery::GiveUpLateWhenDue() {
  if (!late_.keeping() || !late_.over(turn_.now) || catching_up()) return;
  for (const uint64_t id : late_.GiveUp()) {
    if (LaneRecord* lane = directory_.FindLane(id)) lane->late = mesh_ && mesh_->KeepsFor(id);
    TellMissed(id);
  }
  EndLate();
}

void Recovery::FinishLate(uint64_t lane_id) {
  late_.Finish(lane_id);
  EndLate();
}

void Recovery::EndLate() {
  if (!late_.keeping()) ++roster_version_;
}

// ---- batches

void Recovery::GiveBack(LaneRecord& lane, LaneEndpoint& endpoint, LaneToCore& batch) {
  if ((hold_.holding() || hold_.releasing()) &&
      hold_.cost(lane.id) > limits_.max_held_bytes_per_lane) {
    ++lane.withheld;
    withholds_ = true;
    return;
  }
  batch.Clear();
  endpoint.OnHandled(std::move(batch));
}

void Recovery::GiveBackWithheld() {
  if (!withholds_ || hold_.holding() || hold_.releasing()) return;
  withholds_ = false;
  for (const auto& [id, lane] : directory_.lanes()) {
    for (; lane->withheld > 0; --lane->withheld) {
      if (lane->sink) lane->sink->OnHandled({});
      if (lane->channel && lane->channel->attached()) lane->channel->stream()->OnHandled({});
    }
  }
}

// ---- the roster

void Recovery::AddRoster(LaneRecord& lane) {
  signaling::v1::Roster* roster = output_.For(lane).mutable_roster();
  roster->Clear();
  lane.roster_version = roster_version_;
  const auto add = [roster](uint64_t id, uint64_t link) {
    roster->add_lanes(id);
    roster->add_links(link);
  };
  for (const auto& [id, other] : directory_.lanes()) {
    if (other->channel) add(id, other->unaware ? kUnawareLink : other->channel->number());
  }
  for (const auto& [id, awaited] : hold_.awaited()) {
    if (!directory_.FindLane(id)) add(id, 0);
  }
  for (const uint64_t id : late_.lanes()) {
    if (!directory_.FindLane(id)) add(id, 0);
  }
  if (mesh_) mesh_->AddElsewhere(*roster);
  roster->set_complete(!hold_.holding() && !late_.keeping());
  // Until then the core may still have to tell lanes what they missed with earlier cores.
  if (hold_.holding()) return;
  roster->mutable_stamp()->set_core_id(core_id_);
  roster->mutable_stamp()->set_version(roster_version_);
  *roster->mutable_stamp()->mutable_earlier_cores() = passed_over_.earlier();
}

}  // namespace cairn::core

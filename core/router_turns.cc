// Router: how much of a lane's input one turn handles. A lane's message may cause deliveries to
// many lanes: what exceeds the work of one turn is left for the next ones, and other lanes and
// operators are served in between. Each lane's input is handled in order. Relays that were held or
// kept after a restart are older than all other input: they are routed first, in as many turns as
// it takes.
#include <utility>

#include "core/router.h"

namespace cairn::core {

using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;

Router::BatchState Router::HandleEvents(LaneRecord& lane, LaneToCore& batch, int& next) {
  for (; next < batch.events_size(); ++next) {
    if (work_ >= limits_.work_per_turn || has_older()) return BatchState::kHasMore;
    signaling::v1::LaneEvent& event = *batch.mutable_events(next);
    if (!lane.channel) {
      OnEvent(lane, event);
    } else if (!OnEventOfLink(lane, event)) {
      return BatchState::kLaneGone;
    }
  }
  return BatchState::kDone;
}

void Router::RouteOlder() {
  if (!has_older()) return;
  routed_older_ = true;
  while (hold_.releasing() && work_ < limits_.work_per_turn) {
    ++work_;
    ReturnHold::Held held = hold_.TakeFirst();
    LaneRecord* lane = directory_.FindLane(held.lane_id);
    held.event.kind() == LaneEvent::KIND_PUBLISHED ? Publish(held.lane_id, lane, held.event)
                                                   : Relay(held.lane_id, lane, held.event);
  }
  while (!catching_up_.empty() && work_ < limits_.work_per_turn) CatchUp(*catching_up_.front());
}

void Router::SettleKept() {
  for (; settles_kept() && work_ < limits_.work_per_turn; ++work_) {
    const LateLanes::Kept kept = late_.TakeFirst();
    Settle({kept.origin_lane, kept.origin_link, kept.event.seq()});
  }
}

void Router::GiveBackWithheld() {
  withholds_ = false;
  for (const auto& [id, lane] : directory_.lanes()) {
    for (; lane->withheld > 0; --lane->withheld) {
      if (lane->sink) lane->sink->OnHandled({});
      if (lane->channel && lane->channel->attached()) lane->channel->stream()->OnHandled({});
    }
  }
}

void Router::GoOn() {
  RouteOlder();
  for (size_t left = turns_.size(); left > 0 && work_ < limits_.work_per_turn; --left) {
    LaneRecord* lane = turns_.front();
    turns_.pop_front();
    OpenBatch& first = lane->batches.front();
    const BatchState state = HandleEvents(*lane, first.batch, first.next);
    if (state == BatchState::kLaneGone) continue;
    if (state == BatchState::kDone) EndBatch(*lane);
    lane->has_turn = !lane->batches.empty();
    if (lane->has_turn) turns_.push_back(lane);
  }
}

bool Router::FinishBatches(LaneRecord& lane) {
  if (has_older() && lane.channel) return true;
  while (has_older()) {
    work_ = 0;
    RouteOlder();
  }
  while (!lane.batches.empty()) {
    work_ = 0;
    // Its snapshot may have ended in the events before: then what was kept for it comes first.
    RouteOlder();
    work_ = 0;
    OpenBatch& first = lane.batches.front();
    const BatchState state = HandleEvents(lane, first.batch, first.next);
    if (state == BatchState::kLaneGone) return false;
    if (state == BatchState::kDone) EndBatch(lane);
  }
  if (std::exchange(lane.has_turn, false)) std::erase(turns_, &lane);
  return true;
}

void Router::EndBatch(LaneRecord& lane) {
  OpenBatch done = std::move(lane.batches.front());
  lane.batches.pop_front();
  // The lane's stream may have been replaced meanwhile.
  if (directory_.FindLane(done.endpoint.get()) == &lane) GiveBack(lane, *done.endpoint, done.batch);
}

}  // namespace cairn::core

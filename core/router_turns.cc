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
    if (!has_work_left() || recovery_.has_older()) return BatchState::kHasMore;
    LaneEvent& event = *batch.mutable_events(next);
    if (!lane.channel) {
      OnEvent(lane, event);
    } else if (!OnEventOfLink(lane, event)) {
      return BatchState::kLaneGone;
    }
  }
  return BatchState::kDone;
}

Router::BatchState Router::HandleFirstBatch(LaneRecord& lane) {
  OpenBatch& first = lane.batches.front();
  const BatchState state = HandleEvents(lane, first.batch, first.next);
  if (state != BatchState::kDone) return state;
  OpenBatch done = std::move(lane.batches.front());
  lane.batches.pop_front();
  // The lane's stream may have been replaced meanwhile.
  if (directory_.FindLane(done.endpoint.get()) == &lane)
    recovery_.GiveBack(lane, *done.endpoint, done.batch);
  return state;
}

void Router::GoOn() {
  RouteOlder();
  for (size_t left = batches_.size(); left > 0 && has_work_left(); --left) {
    LaneRecord& lane = batches_.TakeFirst();
    if (HandleFirstBatch(lane) != BatchState::kLaneGone) batches_.PutBack(lane);
  }
}

bool Router::FinishBatches(LaneRecord& lane) {
  if (recovery_.has_older() && lane.channel) return true;
  while (recovery_.has_older()) {
    turn_.work = 0;
    RouteOlder();
  }
  while (!lane.batches.empty()) {
    turn_.work = 0;
    // Its snapshot may have ended in the events before: then what was kept for it comes first.
    RouteOlder();
    turn_.work = 0;
    if (HandleFirstBatch(lane) == BatchState::kLaneGone) return false;
  }
  batches_.Forget(lane);
  return true;
}

// ---- relays that are older than all other input

void Router::RouteOlder() {
  if (!recovery_.has_older()) return;
  routed_older_ = true;
  ReturnHold& hold = recovery_.hold();
  while (hold.releasing() && has_work_left()) {
    ++turn_.work;
    ReturnHold::Held held = hold.TakeFirst();
    LaneRecord* lane = directory_.FindLane(held.lane_id);
    held.event.kind() == LaneEvent::KIND_PUBLISHED ? Publish(held.lane_id, lane, held.event)
                                                   : relays_.Route(held.lane_id, lane, held.event);
  }
  while (recovery_.catching_up() && has_work_left()) CatchUp(recovery_.FirstCatchingUp());
}

void Router::CatchUp(LaneRecord& lane) {
  const auto& kept = recovery_.late().kept();
  while (lane.caught_up < kept.size()) {
    if (!has_work_left()) return;
    ++turn_.work;
    relays_.DeliverKept(lane, kept[lane.caught_up++]);
  }
  recovery_.OnCaughtUp(lane);
}

void Router::SettleKept() {
  for (; recovery_.settles_kept() && has_work_left(); ++turn_.work) {
    const LateLanes::Kept kept = recovery_.late().TakeFirst();
    relays_.Settle({kept.origin_lane, kept.origin_link, kept.event.seq()});
  }
}

}  // namespace cairn::core

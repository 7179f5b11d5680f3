#include "edge/outbox.h"

#include "base/check.h"
#include "proto/link/cost.h"

namespace cairn::edge {

using signaling::v1::LaneEvent;

LaneEvent& Outbox::AddWaiting(LaneEvent::Kind kind, uint64_t peer) {
  LaneEvent& event = waiting_.emplace_back();
  event.set_kind(kind);
  event.set_peer(peer);
  return event;
}

void Outbox::AddedWaiting(const LaneEvent& event) { waiting_cost_ += link::CostOf(event); }

void Outbox::AddChange(uint64_t peer, std::string_view topic, bool told) {
  const bool is_first = changes_.try_emplace({peer, std::string(topic)}, told).second;
  if (!is_first) return;
  LaneEvent& change = AddWaiting(kChange, peer);
  change.mutable_topic()->assign(topic);
  AddedWaiting(change);
}

Outbox::Change Outbox::TakeChange() {
  LaneEvent& first = waiting_.front();
  CAIRN_CHECK(first.kind() == kChange);
  const auto change = changes_.find({first.peer(), first.topic()});
  Change taken{first.peer(), first.topic(), change->second};
  changes_.erase(change);
  PopFirst();
  return taken;
}

void Outbox::MoveFirst() {
  const size_t cost = link::CostOf(waiting_.front());
  if (room_ != kUnlimited) room_ -= static_cast<int64_t>(cost);
  waiting_cost_ -= cost;
  batch_.add_events()->Swap(&waiting_.front());
  waiting_.pop_front();
}

void Outbox::PopFirst() {
  waiting_cost_ -= link::CostOf(waiting_.front());
  waiting_.pop_front();
}

void Outbox::Restart(std::vector<LaneEvent> before, const RecordCache& records) {
  std::deque<LaneEvent> kept;
  for (LaneEvent& event : before) kept.push_back(std::move(event));
  for (LaneEvent& event : *batch_.mutable_events()) {
    if (event.seq() != 0) kept.push_back(std::move(event));
  }
  for (LaneEvent& event : waiting_) {
    if (event.seq() != 0) kept.push_back(std::move(event));
  }
  batch_.Clear();
  changes_.clear();
  waiting_.swap(kept);
  waiting_cost_ = 0;
  for (LaneEvent& event : waiting_) {
    if (event.kind() == LaneEvent::KIND_PUBLISHED &&
        !records.IsNewest(event.topic(), event.record(), event.seq())) {
      event.set_kind(LaneEvent::KIND_RELAYED);
      event.clear_record();
    }
    waiting_cost_ += link::CostOf(event);
  }
}

}  // namespace cairn::edge

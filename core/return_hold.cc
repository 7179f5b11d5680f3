#include "core/return_hold.h"

#include <algorithm>
#include <utility>

#include "proto/link/cost.h"
#include "proto/link/timing.h"

namespace cairn::core {
namespace {

const absl::Duration kPatience = absl::FromChrono(link::kReturnPatience);
const absl::Duration kLimit = absl::FromChrono(link::kReturnLimit);
const absl::Duration kStart = absl::FromChrono(link::kStartHold);

}  // namespace

ReturnHold::ReturnHold(absl::Duration now) : started_(now) {}

void ReturnHold::OnHello(const signaling::v1::Hello& hello, bool knew_core, absl::Duration now) {
  const signaling::v1::Roster& roster = hello.roster();
  heard_ = true;
  connected_.insert(hello.lane_id());
  if (!knew_core) return;
  if (roster.complete()) knows_roster_ = true;
  if (over_) return;
  first_hello_ = std::min(first_hello_, now);
  restarted_ = true;
  // A lane that begins a new link is waited for as before.
  awaited_.insert_or_assign(hello.lane_id(), Awaited{now});
  for (const auto* lanes : {&roster.lanes(), &roster.awaited(), &roster.elsewhere()}) {
    for (const uint64_t lane : *lanes) {
      if (!connected_.contains(lane)) awaited_.try_emplace(lane, Awaited{first_hello_});
    }
  }
}

void ReturnHold::OnProgress(uint64_t lane_id, absl::Duration now) {
  const auto it = awaited_.find(lane_id);
  if (it != awaited_.end()) it->second.progress = now;
}

void ReturnHold::OnFinished(uint64_t lane_id) {
  awaited_.erase(lane_id);
  unfinished_.erase(lane_id);
}

void ReturnHold::OnGone(uint64_t lane_id) {
  OnFinished(lane_id);
  connected_.erase(lane_id);
}

bool ReturnHold::awaits(uint64_t lane_id) const { return awaited_.contains(lane_id); }

absl::flat_hash_set<uint64_t> ReturnHold::TakeUnfinished() {
  return std::exchange(unfinished_, {});
}

bool ReturnHold::End(absl::Duration now) {
  // Before the first lane has connected it is unknown whether there are others.
  if (over_ || !heard_ || now - started_ < kStart) return false;
  const bool limit_reached = restarted_ && now - first_hello_ >= kLimit;
  absl::erase_if(awaited_, [&](const auto& entry) {
    const bool no_more = limit_reached || now - entry.second.progress >= kPatience;
    if (no_more) unfinished_.insert(entry.first);
    return no_more;
  });
  if (!awaited_.empty()) return false;
  if (restarted_ && !knows_roster_ && now - first_hello_ < kPatience) return false;
  over_ = true;
  return true;
}

absl::Duration ReturnHold::limit() const { return first_hello_ + kLimit; }

void ReturnHold::Excuse(absl::Duration now) {
  for (auto& [lane, awaited] : awaited_) awaited.progress = now;
  if (restarted_) first_hello_ = now;
}

void ReturnHold::Forget(uint64_t lane_id) {
  std::erase_if(held_, [lane_id](const Held& held) { return held.lane_id == lane_id; });
  cost_ -= cost(lane_id);
  cost_by_lane_.erase(lane_id);
}

void ReturnHold::Add(uint64_t lane_id, signaling::v1::LaneEvent& event) {
  const size_t cost = link::CostOf(event);
  cost_by_lane_[lane_id] += cost;
  cost_ += cost;
  held_.push_back({lane_id, cost, {}});
  held_.back().event.Swap(&event);
}

size_t ReturnHold::cost(uint64_t lane_id) const {
  const auto it = cost_by_lane_.find(lane_id);
  return it == cost_by_lane_.end() ? 0 : it->second;
}

ReturnHold::Held ReturnHold::TakeFirst() {
  Held held = std::move(held_.front());
  held_.pop_front();
  cost_ -= held.cost;
  const auto of_lane = cost_by_lane_.find(held.lane_id);
  if ((of_lane->second -= held.cost) == 0) cost_by_lane_.erase(of_lane);
  return held;
}

}  // namespace cairn::core

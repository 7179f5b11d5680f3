#include "core/passed_over.h"

#include <algorithm>

namespace cairn::core {
namespace {

using signaling::v1::RosterStamp;

bool HasHeardOf(const RosterStamp& stamp, uint64_t core_id) {
  return std::ranges::find(stamp.earlier_cores(), core_id) != stamp.earlier_cores().end();
}

// Whether the roster of `stamp` may have news for a lane that got the roster of `told`.
bool IsNewer(const RosterStamp& stamp, const RosterStamp& told) {
  if (stamp.core_id() == told.core_id()) return stamp.version() > told.version();
  return !HasHeardOf(told, stamp.core_id()) || HasHeardOf(stamp, told.core_id());
}

}  // namespace

void PassedOver::OnHello(const signaling::v1::Hello& hello, bool knew_core) {
  lanes_.erase(hello.lane_id());
  if (!knew_core) return;
  lanes_[hello.lane_id()] = {hello.core_id(), hello.link(), hello.told()};
  if (hello.roster().complete()) AddRoster(hello.roster());
  AddEarlier(hello.roster().stamp().earlier_cores());
  AddEarlier(hello.roster().stamp().core_id());
  AddEarlier(hello.told().earlier_cores());
  AddEarlier(hello.told().core_id());
  AddEarlier(hello.earlier_cores());
  AddEarlier(hello.core_id());
}

void PassedOver::AddRoster(const signaling::v1::Roster& roster) {
  const uint64_t core = roster.stamp().core_id();
  if (rosters_.size() >= kMaxRosters && !rosters_.contains(core)) return;
  const auto [latest, added] = rosters_.try_emplace(core);
  if (!added && latest->second.stamp.version() >= roster.stamp().version()) return;
  latest->second = {roster.stamp(), {}};
  for (int i = 0; i < roster.lanes_size(); ++i)
    latest->second.links[roster.lanes(i)] = i < roster.links_size() ? roster.links(i) : 0;
  for (const uint64_t lane : roster.elsewhere()) latest->second.links[lane] = 0;
}

void PassedOver::AddEarlier(const CoreIds& core_ids) {
  std::for_each(core_ids.end() - std::min(core_ids.size(), kMaxEarlier), core_ids.end(),
                [this](uint64_t core_id) { AddEarlier(core_id); });
}

void PassedOver::AddEarlier(uint64_t core_id) {
  if (core_id == 0 || core_id == core_id_) return;
  if (std::ranges::find(earlier_, core_id) != earlier_.end()) return;
  if (earlier_.size() >= kMaxEarlier) earlier_.erase(earlier_.begin());
  earlier_.Add(core_id);
}

absl::flat_hash_set<uint64_t> PassedOver::Take() {
  absl::flat_hash_set<uint64_t> taken;
  absl::erase_if(lanes_, [&](const auto& lane) {
    const bool passed_over = std::ranges::any_of(rosters_, [&](const auto& roster) {
      return HasMissedRelays(lane.first, lane.second, roster.second);
    });
    if (passed_over) taken.insert(lane.first);
    return passed_over;
  });
  return taken;
}

bool PassedOver::HasMissedRelays(uint64_t lane_id, const Said& said, const Roster& roster) const {
  if (!IsNewer(roster.stamp, said.told)) return false;
  const auto link = roster.links.find(lane_id);
  if (link == roster.links.end()) return true;
  // A link that the lane never had.
  return link->second != 0 && (roster.stamp.core_id() != said.core_id || link->second != said.link);
}

}  // namespace cairn::core

// Mesh: cores that join, the snapshots for them, and cores that are given up.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/peer_id.h"
#include "core/directory.h"
#include "core/mesh.h"
#include "core/relays.h"
#include "proto/link/timing.h"

namespace cairn::core {

using signaling::v1::MeshItem;

MeshMember& Mesh::Join(uint64_t id, absl::Duration now) {
  auto owned = std::make_unique<MeshMember>();
  MeshMember& member = *owned;
  member.id = id;
  member.link = std::make_unique<MeshLink>(++last_link_, limits_, now);
  member.heard = now;
  members_[id] = std::move(owned);
  past_.OnBack(id);
  TellSnapshot(member);
  BeginMovingFor(member);
  beat_now_ = true;
  log::Info(log::Core(), "mesh_core_up", {{"core", FormatId(id)}});
  return member;
}

void Mesh::TellSnapshot(MeshMember& member) {
  for (const auto& [id, lane] : host_.directory.lanes()) {
    if (lanes_.contains(id)) TellLane(member, *lane);
  }
  for (const auto& [id, lane] : lanes_) {
    // The member may wait for this already: it may have known this core before this core knew it.
    if (HasFound(id, lane)) TellFound(member, id, lane.session, false);
    if (lane.core == 0 || lane.core == core_id_ || lane.core == member.id) continue;
    TellAway(member, id, lane.session, lane.core);
  }
  TellRecords(member);
  Add(member, MeshItem::KIND_SNAPSHOT_END);
}

void Mesh::GiveUp(MeshMember& member, MeshEnd reason) {
  ++counters_.members_ended[static_cast<size_t>(reason)];
  std::vector<uint64_t> lost;
  for (auto& [id, lane] : lanes_) {
    const bool arriving = lane.arriving != kNowhere && places_[lane.arriving]->at == &member;
    if (arriving) EndPlace(lane.arriving, true);
    if (lane.source == member.id) lane.source = 0;
    if (lane.core == member.id) {
      lane.core = 0;
      EndPlace(lane.believed, true);
      lost.push_back(id);
    }
  }
  for (const uint64_t id : lost) GiveUpLane(id);
  const uint64_t open = member.open_relays();
  counters_.resends += member.link->resends();
  counters_.relays_given_up[static_cast<size_t>(reason)] += member.places == 0 ? open : 0;
  log::Warn(log::Core(), "mesh_core_given_up",
            {{"core", FormatId(member.id)},
             {"name", log::Text(member.name)},
             {"reason", std::string(Name(reason))},
             {"lanes", static_cast<uint64_t>(lost.size())},
             {"relays", open}});
  // No lane waits for that core any longer, and its relays need no answer.
  for (auto it = moving_.begin(); it != moving_.end();) {
    const auto moving = it++;
    moving->second.unaware.erase(member.id);
    moving->second.tags.erase(member.id);
    std::erase_if(moving->second.deferred,
                  [&](const MeshRelay& one) { return one.owed.origin_lane == member.id; });
    EndMoving(moving->first);
  }
  const uint64_t id = member.id;
  past_.Add({id, member.name, member.version, reason, member.heard, now_,
             static_cast<uint32_t>(lost.size())});
  EndBarriers(id);
  member.link.reset();
  member.outbox.Clear();
  departed_.push_back(std::move(members_.at(id)));
  members_.erase(id);
}

void Mesh::SettleAll(MeshMember& member) {
  for (const MeshMember::Open& one : member.open) {
    if (!one.settled()) host_.relays.Settle(one.owed);
  }
  member.open.clear();
  member.open_cost = 0;
}

void Mesh::FinishDeparted() {
  for (size_t i = 0; i < departed_.size();) {
    if (departed_[i]->places > 0) {
      ++i;
      continue;
    }
    SettleAll(*departed_[i]);
    if (strays_ == departed_[i].get()) strays_ = nullptr;
    departed_.erase(departed_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void Mesh::UpdateReady(absl::Duration now) {
  if (now - reached_ < absl::FromChrono(link::kStartHold)) return;
  const auto knows_all = [this, now](const MeshMember& member) {
    // A core that is only silent may have lanes that no other core has told of.
    if (member.nobody && member.absent(now)) return true;
    return member.beaten && member.complete &&
           std::all_of(member.members.begin(), member.members.end(), [this](uint64_t id) {
             const MeshMember* other = Member(id);
             return id == core_id_ || (other && other->complete);
           });
  };
  ready_ = now - reached_ >= absl::FromChrono(link::kReturnPatience) ||
           std::all_of(members_.begin(), members_.end(),
                       [&](const auto& entry) { return knows_all(*entry.second); });
}

bool Mesh::IsForeign(uint64_t lane_id, uint64_t core_id) const {
  return core_id != 0 && core_id != core_id_ && !members_.contains(core_id) &&
         !past_.Contains(core_id) && !lanes_.contains(lane_id);
}

}  // namespace cairn::core

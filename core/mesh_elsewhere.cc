// Mesh: lanes of other cores: the place at which each is believed to be, and the relays that this
// core keeps for it.
#include <algorithm>
#include <utility>

#include "core/directory.h"
#include "core/mesh.h"
#include "core/recovery.h"
#include "core/relays.h"

namespace cairn::core {

using signaling::v1::MeshItem;

void Mesh::OnHere(MeshMember& from, const MeshItem& item) {
  const uint64_t id = item.lane();
  LaneRecord* own = host_.directory.FindLane(id);
  if (own && own->sink) return;
  // The lane was at the other core while this core routed relays without knowing of it.
  const bool apart = served_ && !from.complete && !lanes_.contains(id);
  if (item.session() < lanes_[id].session) return;
  if (apart) Lose(id);
  if (own) {
    GiveAway(*own, item.session());
    for (const auto& [core, member] : members_) {
      if (core != from.id) TellAway(*member, id, item.session(), from.id);
    }
  }
  away_.erase(id);
  Whereabouts& state = lanes_[id];
  state.session = item.session();
  state.latest = 0;
  state.core = from.id;
  EndPlace(state.arriving, false);
  state.arriving = NewPlace(id, from, false);
  if (lost_.contains(id)) {
    SweepPlaces();  // clients must get Left for its peers before Joined
    places_[state.arriving]->returns = true;
  }
  if (state.believed != kNowhere) return;
  if (!item.is_new() && !lost_.contains(id)) return Stray(id, state);
  // No core keeps relays for it: they go to its place from its subscriptions on.
  Believe(from, id, state, false);
}

// Sent by a core that joins or is joined, and by the core that a lane has left: if this core gets
// no messages of the lane's new core, it must not wait for ever.
void Mesh::OnAway(MeshMember& from, const MeshItem& item) {
  const uint64_t id = item.lane();
  if (item.core() == core_id_ || item.core() == 0) return;
  const auto known = lanes_.find(id);
  if (known != lanes_.end() &&
      (known->second.core != from.id || item.session() <= known->second.session))
    return;
  Whereabouts& state = lanes_[id];
  state.session = item.session();
  state.core = item.core();
  EndPlace(state.arriving, false);
  away_[id] = now_;
  if (state.believed == kNowhere) Stray(id, state);
}

void Mesh::OnRoster(const signaling::v1::Hello& hello) {
  if (hello.core_id() == 0 || hello.core_id() == core_id_) return;
  const signaling::v1::Roster& roster = hello.roster();
  for (const auto* lanes : {&roster.lanes(), &roster.awaited(), &roster.elsewhere()}) {
    for (const uint64_t id : *lanes) {
      if (lanes_.contains(id) || id == hello.lane_id()) continue;
      Whereabouts& state = lanes_[id];
      state.core = hello.core_id();
      away_[id] = now_;
      Stray(id, state);
    }
  }
}

void Mesh::Stray(uint64_t lane, Whereabouts& state) {
  if (!strays_) strays_ = departed_.emplace_back(std::make_unique<MeshMember>()).get();
  state.believed = NewPlace(lane, *strays_, true);
}

void Mesh::GiveUpStrays() {
  std::vector<uint64_t> lost;
  for (const auto& [id, since] : away_) {
    if (now_ - since > limits_.lane_timeout) lost.push_back(id);
  }
  if (strays_ && strays_->open_cost > limits_.max_lane_queued_bytes) {
    for (const auto& [id, lane] : lanes_) {
      if (lane.believed != kNowhere && places_[lane.believed]->at == strays_) lost.push_back(id);
    }
  }
  for (const uint64_t id : lost) GiveUpLane(id);
}

void Mesh::GiveUpAwayAt(uint64_t core) {
  std::vector<uint64_t> lost;
  for (const auto& [id, since] : away_) {
    if (lanes_.at(id).core == core) lost.push_back(id);
  }
  for (const uint64_t id : lost) GiveUpLane(id);
}

// The relays that this core keeps for the lane are lost, whether or not it is at another core.
void Mesh::GiveUpLane(uint64_t id) {
  const auto lane = lanes_.find(id);
  if (lane == lanes_.end()) return;
  Whereabouts& state = lane->second;
  EndPlace(state.believed, true);
  if (state.core == core_id_) return Lose(id);
  if (away_.erase(id) > 0) state.core = 0;
  Broadcast(MeshItem::KIND_LANE_FOUND, [&](MeshItem& item) {
    item.set_lane(id);
    item.set_session(state.session);
  });
  SettleMoving(id);
  Lose(id);
}

void Mesh::GiveUpMovingFrom(const MeshMember& place) {
  std::vector<uint64_t> lost;
  for (const auto& [id, lane] : lanes_) {
    if (lane.believed == kNowhere || places_[lane.believed]->at != &place) continue;
    if (!place.link || lane.core != place.id) lost.push_back(id);
  }
  for (const uint64_t id : lost) GiveUpLane(id);
}

void Mesh::OnReady(MeshMember& from, const MeshItem& item) {
  const uint64_t id = item.lane();
  const auto lane = lanes_.find(id);
  if (lane == lanes_.end()) return;
  Whereabouts& state = lane->second;
  if (state.core != from.id) return;
  state.source = from.id;
  if (state.arriving == kNowhere) {
    // It has been believed to be there since LANE_HERE.
    if (state.believed != kNowhere) places_[state.believed]->returns = false;
    if (host_.recovery.OnLaneElsewhere(id)) TellAllFound(id, state.session, true);
    return;
  }
  if (state.believed != kNowhere) {
    std::vector<MeshRelay> residue = Residue(id, state.believed, state.arriving);
    counters_.moved_relays += residue.size();
    for (const MeshRelay& one : residue) host_.relays.AddTarget(one.owed);
    SendAll(from, residue, id);
    EndPlace(state.believed, false);
  }
  const bool late = host_.recovery.OnLaneElsewhere(id);
  Believe(from, id, state, late);
  places_[state.believed]->returns = false;
}

// The relays that were kept for the lane have been sent there before.
void Mesh::Believe(MeshMember& from, uint64_t id, Whereabouts& state, bool late) {
  state.believed = std::exchange(state.arriving, kNowhere);
  places_[state.believed]->live = true;
  ++from.places;
  const bool missed = lost_.erase(id) > 0 || late;
  TellAllFound(id, state.session, missed);
}

void Mesh::OnGone(MeshMember& from, const MeshItem& item) {
  const auto lane = lanes_.find(item.lane());
  if (lane == lanes_.end() || lane->second.core != from.id) return;
  EndPlace(lane->second.arriving, true);
  EndPlace(lane->second.believed, true);
  lane->second.core = 0;
  if (lane->second.source == from.id) lane->second.source = 0;
  away_.erase(item.lane());
  SettleMoving(item.lane());
  item.missed() ? Lose(item.lane()) : RememberGone(item.lane());
}

void Mesh::OnFound(MeshMember& from, const MeshItem& item) {
  const uint64_t id = item.lane();
  from.found[id] = std::max(from.found[id], item.session());
  const auto it = moving_.find(id);
  if (it != moving_.end() && item.session() >= it->second.session) {
    Moving& moving = it->second;
    if (const auto tags = moving.tags.find(from.id); tags != moving.tags.end()) {
      for (const uint64_t tag : tags->second) from.incoming.Settle(tag);
      moving.tags.erase(tags);
    }
    moving.unaware.erase(from.id);
    EndMoving(id);
  }
  const auto lane = lanes_.find(id);
  if (item.missed() && lane != lanes_.end() && lane->second.core == core_id_)
    host_.recovery.TellMissed(id);
}

void Mesh::SettleMoving(uint64_t lane) {
  const auto it = moving_.find(lane);
  if (it == moving_.end()) return;
  for (const auto& [core, tags] : it->second.tags) {
    MeshMember* member = Member(core);
    for (const uint64_t tag : tags) {
      if (member) member->incoming.Settle(tag);
    }
  }
  for (const MeshRelay& one : it->second.deferred) Settle(one.owed);
  moving_.erase(it);
}

void Mesh::Lose(uint64_t lane) {
  ++counters_.missed_lanes;
  if (lost_.insert(lane).second) RememberGone(lane);
}

// Its session is remembered: older items about the lane may still arrive.
void Mesh::RememberGone(uint64_t lane) {
  gone_order_.push_back(lane);
  if (gone_order_.size() <= kMaxRemembered) return;
  const uint64_t oldest = gone_order_.front();
  gone_order_.pop_front();
  lost_.erase(oldest);
  if (const auto state = lanes_.find(oldest); state != lanes_.end() && state->second.core == 0)
    lanes_.erase(state);
}

}  // namespace cairn::core

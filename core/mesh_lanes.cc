// Mesh: lanes of this core, and relays for a lane that moves to another.
#include <algorithm>
#include <utility>

#include "core/directory.h"
#include "core/lanes.h"
#include "core/mesh.h"
#include "core/recovery.h"
#include "core/relays.h"

namespace cairn::core {

using signaling::v1::MeshItem;

bool Mesh::IsStale(uint64_t lane_id, uint64_t session) const {
  const auto lane = lanes_.find(lane_id);
  return lane != lanes_.end() && std::max(lane->second.session, lane->second.latest) > session;
}

bool Mesh::IsElsewhere(uint64_t lane_id) const {
  const auto lane = lanes_.find(lane_id);
  return lane != lanes_.end() && lane->second.core != 0 && lane->second.core != core_id_;
}

bool Mesh::KnowsLane(uint64_t lane_id) const {
  const auto lane = lanes_.find(lane_id);
  if (lane == lanes_.end() || lane->second.core == 0) return false;
  const Whereabouts& state = lane->second;
  return state.arriving != kNowhere || state.core == core_id_ ||
         (state.believed != kNowhere && places_[state.believed]->at != strays_);
}

bool Mesh::HasFinishedElsewhere(uint64_t lane_id) const {
  if (!IsElsewhere(lane_id)) return false;
  const Whereabouts& state = lanes_.at(lane_id);
  if (state.source == state.core && state.arriving == kNowhere) return true;
  // Until then every relay is kept for it.
  return state.believed != kNowhere && places_[state.believed]->at == strays_;
}

bool Mesh::HasFound(uint64_t lane_id, const Whereabouts& lane) const {
  if (lane.core == 0 || lane.arriving != kNowhere) return false;
  if (lane.core != core_id_)
    return lane.believed != kNowhere && places_[lane.believed]->at->id == lane.core;
  const auto own = host_.directory.lanes().find(lane_id);
  return own != host_.directory.lanes().end() && lane.believed == kNowhere &&
         own->second->state != LaneState::kSyncing;
}

void Mesh::TellLane(MeshMember& member, const LaneRecord& lane) {
  const uint64_t session = lanes_.at(lane.id).session;
  MeshItem& here = Add(member, MeshItem::KIND_LANE_HERE);
  here.set_lane(lane.id);
  here.set_session(session);
  here.set_is_new(lanes_.at(lane.id).believed == kNowhere);
  for (const PeerRecord* peer : lane.peers) {
    for (const TopicRecord* topic : peer->topics) {
      const MeshInterest::Entry* entry =
          interest_.Find(HashTopic(topic->name()), peer->id, MeshInterest::kHere);
      if (!entry) continue;
      MeshItem& item = Add(member, MeshItem::KIND_SUBSCRIBED);
      item.set_lane(lane.id);
      item.set_peer(peer->id);
      item.mutable_topic()->assign(topic->name());
      item.set_stamp(entry->stamp);
    }
  }
  if (lane.state == LaneState::kSyncing && lane.channel) return;
  MeshItem& ready = Add(member, MeshItem::KIND_LANE_READY);
  ready.set_lane(lane.id);
  ready.set_session(session);
}

void Mesh::TellAway(MeshMember& member, uint64_t lane, uint64_t session, uint64_t core) {
  MeshItem& item = Add(member, MeshItem::KIND_LANE_AWAY);
  item.set_lane(lane);
  item.set_session(session);
  item.set_core(core);
}

void Mesh::TellFound(MeshMember& member, uint64_t lane, uint64_t session, bool missed) {
  MeshItem& item = Add(member, MeshItem::KIND_LANE_FOUND);
  item.set_lane(lane);
  item.set_session(session);
  item.set_missed(missed);
}

void Mesh::TellAllFound(uint64_t lane, uint64_t session, bool missed) {
  for (const auto& [id, member] : members_) TellFound(*member, lane, session, missed);
}

// A core that the lane has tried meanwhile has ignored this core's items about the lane since then:
// its whole state is sent again.
void Mesh::OnLaneResumed(const LaneRecord& lane, uint64_t session) {
  Whereabouts& state = lanes_[lane.id];
  const bool tried_elsewhere = session > std::max(state.session, state.latest) + 1;
  state.latest = session;
  if (!tried_elsewhere) return;
  state.session = session;
  BeginMoving(lane.id, session);
  for (const auto& [id, member] : members_) {
    TellLane(*member, lane);
    if (HasFound(lane.id, state)) TellFound(*member, lane.id, session, false);
  }
}

bool Mesh::OnLaneHere(const LaneRecord& lane, uint64_t session) {
  served_ = true;
  Whereabouts& state = lanes_[lane.id];
  state.session = state.latest = session;
  state.core = core_id_;
  away_.erase(lane.id);
  EndPlace(state.arriving, false);
  BeginMoving(lane.id, session);
  for (const auto& [id, member] : members_) TellLane(*member, lane);
  if (state.believed == kNowhere) return false;
  ++counters_.moved;
  return true;
}

bool Mesh::KeepsFor(uint64_t lane_id) const {
  const auto lane = lanes_.find(lane_id);
  return lane != lanes_.end() && lane->second.core == core_id_ && lane->second.believed != kNowhere;
}

void Mesh::OnLaneReady(LaneRecord& lane) {
  Whereabouts& state = lanes_[lane.id];
  std::vector<MeshRelay> relays;
  if (state.believed != kNowhere) {
    relays = Residue(lane.id, state.believed, MeshInterest::kHere);
    for (const MeshRelay& one : relays) host_.relays.AddTarget(one.owed);
    EndPlace(state.believed, false);
  }
  state.source = core_id_;
  for (MeshRelay& one : TakeDeferred(lane.id)) relays.push_back(std::move(one));
  DeliverAll(lane, relays);
  Broadcast(MeshItem::KIND_LANE_READY, [&](MeshItem& item) {
    item.set_lane(lane.id);
    item.set_session(state.session);
  });
  // The lane's last core settles this core's relays for it only when it gets this.
  TellAllFound(lane.id, state.session, false);
  if (lost_.erase(lane.id) > 0) host_.recovery.TellMissed(lane.id);
}

void Mesh::OnLaneCaughtUp(LaneRecord& lane) {
  std::vector<MeshRelay> relays = TakeDeferred(lane.id);
  DeliverAll(lane, relays);
}

std::vector<MeshRelay> Mesh::TakeDeferred(uint64_t lane) {
  const auto moving = moving_.find(lane);
  if (moving == moving_.end()) return {};
  std::vector<MeshRelay> deferred = std::exchange(moving->second.deferred, {});
  EndMoving(lane);
  return deferred;
}

void Mesh::DeliverAll(LaneRecord& lane, std::vector<MeshRelay>& relays) {
  Sort(relays);
  for (const MeshRelay& one : relays) {
    ++counters_.moved_relays;
    if (!host_.relays.DeliverItem(lane, one.item, one.owed)) host_.relays.Settle(one.owed);
  }
}

void Mesh::OnLaneReturns(LaneRecord& lane, uint64_t session) { GiveAway(lane, session); }

void Mesh::OnLaneGone(uint64_t lane_id, bool given_up) {
  const auto lane = lanes_.find(lane_id);
  if (lane == lanes_.end() || lane->second.core != core_id_) return;
  Broadcast(MeshItem::KIND_LANE_GONE, [&](MeshItem& item) {
    item.set_lane(lane_id);
    item.set_session(lane->second.session);
    item.set_missed(given_up);
  });
  EndPlace(lane->second.believed, true);
  lane->second.core = 0;
  if (lane->second.source == core_id_) lane->second.source = 0;
  given_up ? Lose(lane_id) : RememberGone(lane_id);
  SettleMoving(lane_id);
}

void Mesh::BeginMoving(uint64_t lane, uint64_t session) {
  Moving& moving = moving_[lane];
  moving.session = session;
  for (const auto& [id, member] : members_) {
    const auto found = member->found.find(lane);
    if (found == member->found.end() || found->second < session) moving.unaware.insert(id);
  }
  EndMoving(lane);
}

// A core that joins does not know this core's lanes, or believes them to be at their last place.
void Mesh::BeginMovingFor(MeshMember& member) {
  for (const auto& [id, lane] : host_.directory.lanes()) {
    const auto state = lanes_.find(id);
    if (state == lanes_.end()) continue;
    // A move in progress keeps its session: a link that was resumed since has a higher one.
    const auto moving = moving_.try_emplace(id, Moving{state->second.session, {}, {}, {}}).first;
    moving->second.unaware.insert(member.id);
  }
}

void Mesh::EndMoving(uint64_t lane) {
  const auto moving = moving_.find(lane);
  if (moving == moving_.end()) return;
  if (moving->second.unaware.empty() && moving->second.deferred.empty()) SettleMoving(lane);
}

void Mesh::SettleOnceFound(uint64_t lane, const RelayLedger::Owed& owed) {
  const MeshMember* member = Member(owed.origin_lane);
  if (!member || owed.origin_link != (kMeshLinkBit | member->link->number())) return;
  const auto moving = moving_.find(lane);
  // When the last core has sent LANE_FOUND, all are settled.
  if (moving == moving_.end()) {
    Settle(owed);
  } else {
    moving->second.tags[member->id].push_back(owed.origin_seq);
  }
}

void Mesh::GiveAway(LaneRecord& lane, uint64_t session) {
  const uint64_t id = lane.id;
  BeginMoving(id, session);
  if (const auto moving = moving_.find(id); moving != moving_.end()) {
    for (const MeshRelay& one : std::exchange(moving->second.deferred, {}))
      SettleOnceFound(id, one.owed);
    EndMoving(id);
  }
  Whereabouts& state = lanes_[id];
  uint32_t place = kNowhere;
  MeshMember* kept = nullptr;
  // A lane without a complete snapshot is believed to be at its place before.
  if (state.believed == kNowhere) {
    kept = departed_.emplace_back(std::make_unique<MeshMember>()).get();
    kept->heard = now_;
    place = NewPlace(id, *kept, true);
    state.believed = place;
  }
  for (const PeerRecord* peer : lane.peers) {
    barriers_.Forget(peer->id);
    for (const TopicRecord* topic : peer->topics) {
      const TopicHash hash = HashTopic(topic->name());
      if (place == kNowhere) {
        interest_.Remove(hash, peer->id, MeshInterest::kHere);
      } else if (auto* entry = interest_.Find(hash, peer->id, MeshInterest::kHere)) {
        entry->place = place;
      }
    }
  }
  for (Lanes::Unanswered& one : host_.lanes.MoveAway(lane)) {
    const RelayLedger::Owed& owed = one.owed;
    if (owed.origin_lane == 0) {
      // Its new core tells the lane that it missed relays.
      Lose(id);
    } else if ((owed.origin_link & kMeshLinkBit) != 0) {
      SettleOnceFound(id, owed);
    } else if (!kept) {
      host_.relays.Settle(owed);
    } else {
      link::RelayItem relay;
      relay.lane = one.delivery.origin_lane();
      relay.sequence = one.delivery.origin_seq();
      relay.peer = one.delivery.from();
      relay.to = one.delivery.to();
      relay.read_us = one.delivery.read_us();
      relay.topic = one.delivery.topic();
      relay.payload = one.delivery.payload();
      Send(*kept, owed, HashTopic(relay.topic), relay, id);
    }
  }
}

}  // namespace cairn::core

// Mesh: where lanes are, and what follows them from one core to another.
#include <algorithm>
#include <utility>

#include "core/mesh.h"
#include "proto/link/mesh_items.h"

namespace cairn::core {

using signaling::v1::MeshItem;

// ---- lanes of this core

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
  return IsElsewhere(lane_id) && lanes_.at(lane_id).arriving == kNowhere;
}

bool Mesh::HasFound(uint64_t lane_id, const Whereabouts& lane) const {
  if (lane.core == 0 || lane.arriving != kNowhere) return false;
  if (lane.core != core_id_)
    return lane.believed != kNowhere && places_[lane.believed]->at->id == lane.core;
  const auto own = host_.directory().lanes().find(lane_id);
  return own != host_.directory().lanes().end() && lane.believed == kNowhere &&
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
          interest_.Find(HashTopic(topic->name), peer->id, MeshInterest::kHere);
      if (!entry) continue;
      MeshItem& item = Add(member, MeshItem::KIND_SUBSCRIBED);
      item.set_lane(lane.id);
      item.set_peer(peer->id);
      item.set_topic(topic->name);
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

// A core that it has tried meanwhile has heard nothing of it from here: it is told all anew.
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

void Mesh::OnLaneReady(LaneRecord& lane) {
  Whereabouts& state = lanes_[lane.id];
  std::vector<MeshMember::Open> relays;
  if (state.believed != kNowhere) {
    relays = Residue(lane.id, state.believed, MeshInterest::kHere);
    for (const MeshMember::Open& one : relays) host_.AddTarget(one.owed);
    EndPlace(state.believed, false);
  }
  if (const auto moving = moving_.find(lane.id); moving != moving_.end()) {
    for (MeshMember::Open& one : std::exchange(moving->second.deferred, {}))
      relays.push_back(std::move(one));
    if (moving->second.unaware.empty()) SettleMoving(lane.id);
  }
  Sort(relays);
  for (const MeshMember::Open& one : relays) {
    ++counters_.moved_relays;
    if (!host_.DeliverItem(lane, one.relay, one.owed)) host_.Settle(one.owed);
  }
  Broadcast(MeshItem::KIND_LANE_READY, [&](MeshItem& item) {
    item.set_lane(lane.id);
    item.set_session(state.session);
  });
  // Where it was before, what this core sent for it is not settled until this.
  for (const auto& [id, member] : members_) TellFound(*member, lane.id, state.session, false);
  if (lost_.erase(lane.id) > 0) host_.TellLaneMissed(lane.id);
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

// A core that joins knows nothing of this core's lanes, or believes them to be where they were.
void Mesh::BeginMovingFor(MeshMember& member) {
  for (const auto& [id, lane] : host_.directory().lanes()) {
    const auto state = lanes_.find(id);
    if (state == lanes_.end()) continue;
    // One that moves already keeps its session: a link that went on since is of a higher one.
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
  if (moving == moving_.end() || !moving->second.unaware.contains(member->id)) {
    Settle(owed);
  } else {
    moving->second.tags[member->id].push_back(owed.origin_seq);
  }
}

void Mesh::GiveAway(LaneRecord& lane, uint64_t session) {
  const uint64_t id = lane.id;
  BeginMoving(id, session);
  if (const auto moving = moving_.find(id); moving != moving_.end()) {
    for (const MeshMember::Open& one : std::exchange(moving->second.deferred, {}))
      SettleOnceFound(id, one.owed);
    EndMoving(id);
  }
  Whereabouts& state = lanes_[id];
  uint32_t place = kNowhere;
  MeshMember* kept = nullptr;
  // One that had not told its snapshot is believed to be where it was before.
  if (state.believed == kNowhere) {
    kept = departed_.emplace_back(std::make_unique<MeshMember>()).get();
    kept->heard = now_;
    place = NewPlace(id, *kept, true);
    state.believed = place;
  }
  for (const PeerRecord* peer : lane.peers) {
    std::erase_if(barriers_, [peer](const auto& one) { return one.second.peer == peer->id; });
    for (const TopicRecord* topic : peer->topics) {
      const TopicHash hash = HashTopic(topic->name);
      if (place == kNowhere) {
        interest_.Remove(hash, peer->id, MeshInterest::kHere);
      } else if (auto* entry = interest_.Find(hash, peer->id, MeshInterest::kHere)) {
        entry->place = place;
      }
    }
  }
  for (MeshHost::Unanswered& one : host_.Forget(lane)) {
    const RelayLedger::Owed& owed = one.owed;
    if ((owed.origin_link & kMeshLinkBit) != 0) {
      SettleOnceFound(id, owed);
    } else if (!kept) {
      host_.Settle(owed);
    } else {
      MeshItem relay;
      relay.set_kind(MeshItem::KIND_RELAY);
      relay.set_lane(one.delivery.origin_lane());
      relay.set_sequence(one.delivery.origin_seq());
      relay.set_peer(one.delivery.from());
      relay.set_to(one.delivery.to());
      relay.set_read_us(one.delivery.read_us());
      relay.mutable_topic()->swap(*one.delivery.mutable_topic());
      relay.mutable_payload()->swap(*one.delivery.mutable_payload());
      Send(*kept, owed, relay, id);
    }
  }
}

// ---- lanes of others

void Mesh::OnHere(MeshMember& from, const MeshItem& item) {
  const uint64_t id = item.lane();
  LaneRecord* own = host_.directory().FindLane(id);
  if (own && own->sink) return;
  if (item.session() < lanes_[id].session) return;
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
  if (state.believed != kNowhere) return;
  if (!item.is_new() && !lost_.contains(id)) return Stray(id, state);
  // Nothing is kept for it anywhere.
  Believe(from, id, state);
}

// Told by a core that joins or is joined, and by the one that a lane has left: if this core cannot
// hear where it went, it must not wait for ever.
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

// What this core keeps for the lane is lost, wherever the lane is.
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

void Mesh::OnReady(MeshMember& from, const MeshItem& item) {
  const uint64_t id = item.lane();
  const auto lane = lanes_.find(id);
  if (lane == lanes_.end()) return;
  Whereabouts& state = lane->second;
  if (state.core != from.id || state.arriving == kNowhere) return;
  if (state.believed != kNowhere) {
    for (const MeshMember::Open& one : Residue(id, state.believed, state.arriving)) {
      ++counters_.moved_relays;
      host_.AddTarget(one.owed);
      Send(from, one.owed, one.relay, id);
    }
    EndPlace(state.believed, false);
  }
  Believe(from, id, state);
}

// What was kept for the lane went ahead.
void Mesh::Believe(MeshMember& from, uint64_t id, Whereabouts& state) {
  state.believed = std::exchange(state.arriving, kNowhere);
  places_[state.believed]->live = true;
  ++from.places;
  const uint64_t session = state.session;
  const bool late = host_.OnLaneElsewhere(id);
  const bool missed = lost_.erase(id) > 0 || late;
  for (const auto& [core, member] : members_) TellFound(*member, id, session, missed);
}

void Mesh::OnGone(MeshMember& from, const MeshItem& item) {
  const auto lane = lanes_.find(item.lane());
  if (lane == lanes_.end() || lane->second.core != from.id) return;
  EndPlace(lane->second.arriving, true);
  EndPlace(lane->second.believed, true);
  lane->second.core = 0;
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
    host_.TellLaneMissed(id);
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
  for (const MeshMember::Open& one : it->second.deferred) Settle(one.owed);
  moving_.erase(it);
}

void Mesh::Lose(uint64_t lane) {
  ++counters_.missed_lanes;
  if (lost_.insert(lane).second) RememberGone(lane);
}

// Its session stays: what was said of it before may still be on its way.
void Mesh::RememberGone(uint64_t lane) {
  gone_order_.push_back(lane);
  if (gone_order_.size() <= kMaxRemembered) return;
  const uint64_t oldest = gone_order_.front();
  gone_order_.pop_front();
  lost_.erase(oldest);
  if (const auto state = lanes_.find(oldest); state != lanes_.end() && state->second.core == 0)
    lanes_.erase(state);
}

// ---- places

uint32_t Mesh::NewPlace(uint64_t lane, MeshMember& at, bool live) {
  uint32_t index = static_cast<uint32_t>(places_.size());
  if (free_places_.empty()) {
    places_.emplace_back();
  } else {
    index = free_places_.back();
    free_places_.pop_back();
  }
  places_[index] = std::make_unique<Place>(Place{lane, &at, live, false, false});
  at.places += live ? 1 : 0;
  return index;
}

void Mesh::EndPlace(uint32_t& place, bool lost) {
  if (place == kNowhere) return;
  Place& one = *places_[place];
  if (one.live) --one.at->places;
  one.live = false;
  one.over = true;
  one.lost = lost;
  over_.push_back(std::exchange(place, kNowhere));
}

void Mesh::SweepPlaces() {
  if (over_.empty()) return;
  const auto is_lost = [this](const MeshInterest::Entry& entry) {
    return entry.place != MeshInterest::kHere && places_[entry.place]->lost;
  };
  for (const auto& topic : host_.directory().topics()) {
    const bool watched =
        std::any_of(topic->interests.begin(), topic->interests.end(),
                    [](const Interest& interest) { return interest.watchers > 0; });
    if (!watched) continue;
    const TopicHash hash = HashTopic(topic->name);
    for (auto* entry = interest_.First(hash); entry; entry = interest_.Next(*entry)) {
      if (is_lost(*entry) && !HasCounting(hash, entry->peer, nullptr))
        host_.Announce(signaling::v1::Notice::KIND_LEFT, entry->peer, topic->name, 0);
    }
  }
  interest_.Sweep([this](const MeshInterest::Entry& entry) {
    return entry.place != MeshInterest::kHere && places_[entry.place]->over;
  });
  free_places_.insert(free_places_.end(), over_.begin(), over_.end());
  over_.clear();
}

std::vector<MeshMember::Open> Mesh::Residue(uint64_t lane, uint32_t believed, uint32_t place) {
  std::vector<MeshMember::Open> residue;
  for (const MeshMember::Open& one : places_[believed]->at->open) {
    const MeshItem& relay = one.relay;
    if (one.cost == 0 || relay.lane() == lane || (relay.target() != 0 && relay.target() != lane))
      continue;
    const TopicHash hash = HashTopic(relay.topic());
    for (auto* entry = interest_.First(hash); entry; entry = interest_.Next(*entry)) {
      const bool there = entry->place == place && LaneOf(*entry) == lane;
      if (!there || (relay.to() != 0 && relay.to() != entry->peer)) continue;
      residue.push_back(one);
      break;
    }
  }
  Sort(residue);
  // Of one that was sent twice, for different lanes, one is enough.
  residue.erase(std::unique(residue.begin(), residue.end(),
                            [](const MeshMember::Open& a, const MeshMember::Open& b) {
                              return a.relay.lane() == b.relay.lane() &&
                                     a.relay.sequence() == b.relay.sequence();
                            }),
                residue.end());
  return residue;
}

void Mesh::Sort(std::vector<MeshMember::Open>& relays) {
  const auto key = [](const MeshMember::Open& one) {
    return std::pair(one.relay.lane(), one.relay.sequence());
  };
  std::stable_sort(relays.begin(), relays.end(),
                   [key](const auto& a, const auto& b) { return key(a) < key(b); });
}

}  // namespace cairn::core

// Mesh: who is interested in what, and relays between cores.
#include <absl/container/inlined_vector.h>

#include <algorithm>
#include <utility>

#include "core/mesh.h"
#include "proto/link/mesh_items.h"

namespace cairn::core {

using signaling::v1::LaneEvent;
using signaling::v1::MeshItem;
using signaling::v1::Notice;

// ---- interest

uint64_t Mesh::LaneOf(const MeshInterest::Entry& entry) const {
  if (entry.place != MeshInterest::kHere) return places_[entry.place]->lane;
  const PeerRecord* peer = host_.directory().FindPeer(entry.peer);
  return peer ? peer->lane->id : 0;
}

bool Mesh::Counts(const MeshInterest::Entry& entry) const {
  return entry.place == MeshInterest::kHere || !places_[entry.place]->over;
}

bool Mesh::HasCounting(const TopicHash& topic, uint64_t peer, uint64_t* stamp) {
  for (auto* entry = interest_.First(topic); entry; entry = interest_.Next(*entry)) {
    if (entry->peer != peer || !Counts(*entry)) continue;
    if (stamp) *stamp = entry->stamp;
    return true;
  }
  return false;
}

bool Mesh::Knows(uint64_t peer, std::string_view topic) {
  return HasCounting(HashTopic(topic), peer, nullptr);
}

uint64_t Mesh::Routes(uint64_t peer, const std::string& topic) {
  const TopicHash hash = HashTopic(topic);
  for (auto* entry = interest_.First(hash); entry; entry = interest_.Next(*entry)) {
    if (entry->peer != peer) continue;
    const PeerRecord* here = host_.directory().FindPeer(peer);
    const bool goes = entry->place == MeshInterest::kHere ? here && !here->lane->late
                                                          : places_[entry->place]->live;
    if (goes) return entry->stamp;
  }
  return 0;
}

bool Mesh::Interested(const TopicHash& topic, uint64_t lane) {
  for (auto* entry = interest_.First(topic); entry; entry = interest_.Next(*entry)) {
    if (Counts(*entry) && LaneOf(*entry) == lane) return true;
  }
  return false;
}

void Mesh::OnSubscribed(PeerRecord& peer, const std::string& topic, bool added, bool is_new,
                        bool wants_answer) {
  const TopicHash hash = HashTopic(topic);
  uint64_t stamp = 0;
  const bool known = HasCounting(hash, peer.id, &stamp);
  if (!known) stamp = NewStamp();
  if (added) interest_.Add(hash, peer.id, MeshInterest::kHere, stamp);
  // One that was told to a core that ended before it told others is new to them.
  const bool is_fresh = (is_new || wants_answer) && !known;
  Barrier barrier{peer.id, topic, !added, {}};
  for (const auto& [id, member] : members_) {
    if (wants_answer && !member->absent(now_)) barrier.waiting.insert(id);
  }
  const uint64_t number = barrier.waiting.empty() ? 0 : ++last_barrier_;
  if (added || wants_answer) {
    for (const auto& [id, member] : members_) {
      MeshItem& item = Add(*member, MeshItem::KIND_SUBSCRIBED);
      item.set_lane(peer.lane->id);
      item.set_peer(peer.id);
      item.set_topic(topic);
      item.set_stamp(stamp);
      item.set_is_new(is_fresh);
      if (barrier.waiting.contains(id)) item.set_barrier(number);
    }
  }
  if (is_fresh) host_.Announce(Notice::KIND_JOINED, peer.id, topic, 0);
  if (!wants_answer) return;
  if (number == 0) return Answer(barrier);
  barriers_.emplace(number, std::move(barrier));
}

void Mesh::OnUnsubscribed(const PeerRecord& peer, const std::string& topic) {
  interest_.Remove(HashTopic(topic), peer.id, MeshInterest::kHere);
  Broadcast(MeshItem::KIND_UNSUBSCRIBED, [&](MeshItem& item) {
    item.set_lane(peer.lane->id);
    item.set_peer(peer.id);
    item.set_topic(topic);
  });
}

void Mesh::OnSubscribedThere(MeshMember& from, const MeshItem& item) {
  clock_ = std::max(clock_, item.stamp());
  const auto lane = lanes_.find(item.lane());
  uint32_t place = kNowhere;
  if (lane != lanes_.end() && lane->second.core == from.id) {
    place = lane->second.arriving != kNowhere ? lane->second.arriving : lane->second.believed;
    if (place != kNowhere && places_[place]->at != &from) place = kNowhere;
  }
  if (place != kNowhere) {
    const TopicHash hash = HashTopic(item.topic());
    const bool known = HasCounting(hash, item.peer(), nullptr);
    if (!interest_.Find(hash, item.peer(), place))
      interest_.Add(hash, item.peer(), place, item.stamp());
    if (item.is_new() && !known) host_.Announce(Notice::KIND_JOINED, item.peer(), item.topic(), 0);
  }
  if (item.barrier() != 0) Add(from, MeshItem::KIND_COUNTED).set_barrier(item.barrier());
}

void Mesh::OnUnsubscribedThere(MeshMember& from, const MeshItem& item) {
  const auto lane = lanes_.find(item.lane());
  if (lane == lanes_.end() || lane->second.core != from.id) return;
  const TopicHash hash = HashTopic(item.topic());
  for (const uint32_t place : {lane->second.arriving, lane->second.believed}) {
    if (place == kNowhere || places_[place]->at != &from ||
        !interest_.Remove(hash, item.peer(), place))
      continue;
    if (!HasCounting(hash, item.peer(), nullptr))
      host_.Announce(Notice::KIND_LEFT, item.peer(), item.topic(), 0);
    return;
  }
}

// ---- records

void Mesh::OnPublished(uint64_t lane_id, const std::string& topic,
                       const signaling::v1::Record& record, RecordStore::Said said) {
  if (members_.empty()) return;
  const std::string bytes = record.SerializeAsString();
  Broadcast(MeshItem::KIND_PUBLISHED, [&](MeshItem& item) {
    item.set_lane(lane_id);
    item.set_topic(topic);
    item.set_record(bytes);
    item.set_is_new(said == RecordStore::Said::kNow);
  });
}

// Those of lanes that are at other cores are told by these.
void Mesh::TellRecords(MeshMember& member) {
  host_.records().ForEach([&](const std::string& topic, const RecordStore::Entry& entry) {
    const auto lane = lanes_.find(entry.lane);
    if (lane != lanes_.end() && lane->second.core != 0 && lane->second.core != core_id_) return;
    signaling::v1::Record record = entry.record;
    record.set_ttl_us(entry.expires_us - host_.steady_us());
    MeshItem& item = Add(member, MeshItem::KIND_PUBLISHED);
    item.set_lane(entry.lane);
    item.set_topic(topic);
    item.set_record(record.SerializeAsString());
  });
}

// What a lane published before it came to another core is told by that one, and may be newer. Of
// one that has left, cores may have kept different records.
void Mesh::OnPublishedThere(MeshMember& from, const MeshItem& item) {
  const auto lane = lanes_.find(item.lane());
  const uint64_t core = lane == lanes_.end() ? 0 : lane->second.core;
  if (core != from.id && (core != 0 || item.is_new())) return;
  signaling::v1::Record record;
  if (!record.ParseFromString(item.record())) return;
  host_.TakeRecord(item.topic(), std::move(record),
                   item.is_new() ? RecordStore::Said::kNow : RecordStore::Said::kBefore,
                   core == 0 ? 0 : item.lane());
}

// ---- who is told of whom

void Mesh::OnCounted(const MeshMember& from, uint64_t number) {
  const auto it = barriers_.find(number);
  if (it == barriers_.end()) return;
  it->second.waiting.erase(from.id);
  if (!it->second.waiting.empty()) return;
  const Barrier barrier = std::move(it->second);
  barriers_.erase(it);
  Answer(barrier);
}

void Mesh::EndBarriers(uint64_t core) {
  for (auto it = barriers_.begin(); it != barriers_.end();) {
    const auto one = it++;
    absl::erase_if(one->second.waiting, [&](uint64_t id) {
      const MeshMember* member = Member(id);
      return core == id || !member || member->absent(now_);
    });
    if (!one->second.waiting.empty()) continue;
    const Barrier barrier = std::move(one->second);
    barriers_.erase(one);
    Answer(barrier);
  }
}

void Mesh::Answer(const Barrier& barrier) {
  PeerRecord* peer = host_.directory().FindPeer(barrier.peer);
  const TopicHash hash = HashTopic(barrier.topic);
  const auto* own = peer ? interest_.Find(hash, peer->id, MeshInterest::kHere) : nullptr;
  if (!own) return;
  const auto order = [](const MeshInterest::Entry& entry) {
    return std::pair(entry.stamp, entry.peer);
  };
  absl::flat_hash_set<uint64_t> earlier, later;
  for (auto* entry = interest_.First(hash); entry; entry = interest_.Next(*entry)) {
    if (entry->peer == peer->id || !Counts(*entry)) continue;
    (barrier.all || order(*entry) < order(*own) ? earlier : later).insert(entry->peer);
  }
  host_.AnswerSubscribed(*peer, barrier.topic, earlier.size());
  for (const uint64_t other : later) {
    if (!earlier.contains(other))
      host_.Announce(Notice::KIND_JOINED, other, barrier.topic, peer->id);
  }
}

// ---- relays

// What a lane has subscribed to since it moves is kept with the rest that is for it.
MeshMember* Mesh::MemberFor(const MeshInterest::Entry& entry, bool& only) {
  if (entry.place == MeshInterest::kHere) {
    const PeerRecord* peer = host_.directory().FindPeer(entry.peer);
    if (!peer || !peer->lane->late) return nullptr;
  } else if (places_[entry.place]->over) {
    return nullptr;
  } else if (places_[entry.place]->live) {
    return places_[entry.place]->at;
  }
  only = true;
  const auto lane = lanes_.find(LaneOf(entry));
  return lane == lanes_.end() || lane->second.believed == kNowhere
             ? nullptr
             : places_[lane->second.believed]->at;
}

Mesh::Reach Mesh::Route(uint64_t origin_lane, uint64_t origin_link, const LaneEvent& event,
                        const std::string& topic, const std::string& payload) {
  Reach reach;
  struct Goal {
    MeshMember* member;
    uint64_t lane;  // the only one; 0: all there
  };
  absl::InlinedVector<Goal, 4> goals;
  const TopicHash hash = HashTopic(topic);
  for (auto* entry = interest_.First(hash); entry; entry = interest_.Next(*entry)) {
    if (entry->peer == event.peer() || (event.to() != 0 && event.to() != entry->peer)) continue;
    bool only = false;
    MeshMember* member = MemberFor(*entry, only);
    const uint64_t lane = member ? LaneOf(*entry) : origin_lane;
    if (lane == origin_lane) continue;
    reach.subscribers += only ? 0 : 1;
    const bool covered = std::any_of(goals.begin(), goals.end(), [&](const Goal& goal) {
      return goal.member == member && (goal.lane == 0 || (only && goal.lane == lane));
    });
    if (!covered) goals.push_back({member, only ? lane : 0});
  }
  if (strays_) goals.push_back({strays_, 0});
  if (goals.empty()) return reach;
  MeshItem relay;
  relay.set_kind(MeshItem::KIND_RELAY);
  relay.set_lane(origin_lane);
  relay.set_sequence(event.seq());
  relay.set_peer(event.peer());
  relay.set_topic(topic);
  relay.set_payload(payload);
  relay.set_to(event.to());
  relay.set_read_us(event.read_us());
  for (const Goal& goal : goals)
    Send(*goal.member, {origin_lane, origin_link, event.seq()}, relay, goal.lane);
  reach.targets = static_cast<uint32_t>(goals.size());
  return reach;
}

void Mesh::Send(MeshMember& to, const RelayLedger::Owed& owed, const MeshItem& relay,
                uint64_t target) {
  MeshMember::Open& open = to.open.emplace_back();
  open.tag = ++to.last_tag;
  open.owed = owed;
  open.relay = relay;
  open.relay.set_tag(open.tag);
  open.relay.set_target(target);
  open.cost = CostOf(open.relay);
  to.open_cost += open.cost;
  if (!to.link) return;
  ++counters_.relays_out;
  *to.out.add_items() = open.relay;
}

void Mesh::OnRelay(MeshMember& from, const MeshItem& item) {
  ++counters_.relays_in;
  const auto sender = lanes_.find(item.lane());
  // Once its lane is at another core, that one sends what is open, and may be ahead of this.
  if (sender == lanes_.end() || sender->second.core != from.id) {
    ++counters_.stale_relays;
    return from.incoming.Routed(item.tag(), 0);
  }
  const RelayLedger::Owed owed{from.id, kMeshLinkBit | from.link->number(), item.tag()};
  uint32_t targets = 0;
  bool reached_target = false;
  TopicRecord* topic = host_.directory().FindTopic(item.topic());
  const PeerRecord* addressee = item.to() == 0 ? nullptr : host_.directory().FindPeer(item.to());
  for (size_t i = 0; topic && i < topic->interests.size(); ++i) {
    LaneRecord& lane = *topic->interests[i].lane;
    if (item.target() != 0 && item.target() != lane.id) continue;
    if (item.to() != 0 &&
        (!addressee || addressee->lane != &lane || !addressee->topics.contains(topic)))
      continue;
    // A core that does not know yet that the lane is here still has this for it, and sends it.
    const auto moving = moving_.find(lane.id);
    const bool unaware = moving != moving_.end() && moving->second.unaware.contains(from.id);
    if (unaware && (item.target() == 0 || lane.late)) continue;
    reached_target = item.target() != 0;
    if (lane.late) {
      Defer(lane.id, owed, item);
      ++targets;
      continue;
    }
    targets += host_.DeliverItem(lane, item, owed) ? 1 : 0;
  }
  for (auto& [id, moving] : moving_) {
    if (!moving.unaware.contains(from.id) || (item.target() != 0 && item.target() != id)) continue;
    if (item.target() == 0 ? !Interested(HashTopic(item.topic()), id) : reached_target) continue;
    moving.tags[from.id].push_back(item.tag());
    ++targets;
  }
  from.incoming.Routed(item.tag(), targets);
}

// Not before what other cores still have for the lane.
void Mesh::Defer(uint64_t lane, const RelayLedger::Owed& owed, const MeshItem& relay) {
  moving_[lane].deferred.push_back({owed.origin_seq, owed, relay, 0});
}

void Mesh::OnSettled(MeshMember& from, const MeshItem& item) {
  for (int i = 0; i + 1 < item.ranges_size(); i += 2) {
    const uint64_t last = std::min(item.ranges(i + 1), from.last_tag);
    uint64_t tag = from.open.empty() ? last + 1 : std::max(item.ranges(i), from.open.front().tag);
    for (; tag <= last; ++tag) {
      if (MeshMember::Open* open = from.FindOpen(tag)) host_.Settle(from.Close(*open));
    }
  }
}

bool Mesh::Settle(const RelayLedger::Owed& owed) {
  if ((owed.origin_link & kMeshLinkBit) == 0) return false;
  MeshMember* member = Member(owed.origin_lane);
  if (member && owed.origin_link == (kMeshLinkBit | member->link->number()))
    member->incoming.Settle(owed.origin_seq);
  return true;
}

void Mesh::AddElsewhere(signaling::v1::Roster& roster) const {
  for (const auto& [id, lane] : lanes_) {
    if (lane.core != 0 && lane.core != core_id_) roster.add_elsewhere(id);
  }
}

}  // namespace cairn::core

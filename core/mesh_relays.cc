// Mesh: relays between cores.
#include <absl/container/inlined_vector.h>

#include <algorithm>
#include <utility>

#include "core/directory.h"
#include "core/mesh.h"
#include "core/relays.h"
#include "proto/link/mesh_items.h"

namespace cairn::core {

using signaling::v1::LaneEvent;
using signaling::v1::MeshItem;

// While a lane moves, relays for its new subscriptions are kept with the others for the lane.
MeshMember* Mesh::MemberFor(const MeshInterest::Entry& entry, bool& only) {
  if (entry.place == MeshInterest::kHere) {
    const PeerRecord* peer = host_.directory.FindPeer(entry.peer);
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

Mesh::Reach Mesh::Route(uint64_t origin_lane, uint64_t origin_link, const LaneEvent& event) {
  Reach reach;
  struct Goal {
    MeshMember* member;
    uint64_t lane;  // the only one; 0: all lanes of the member
  };
  absl::InlinedVector<Goal, 4> goals;
  // Messages for a topic often follow each other.
  if (event.topic() != routed_topic_) {
    routed_topic_ = event.topic();
    routed_hash_ = HashTopic(routed_topic_);
  }
  const TopicHash& hash = routed_hash_;
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
  link::RelayItem relay;
  relay.lane = origin_lane;
  relay.sequence = event.seq();
  relay.peer = event.peer();
  relay.to = event.to();
  relay.read_us = event.read_us();
  relay.topic = event.topic();
  relay.payload = event.payload();
  for (const Goal& goal : goals)
    Send(*goal.member, {origin_lane, origin_link, event.seq()}, hash, relay, goal.lane);
  reach.targets = static_cast<uint32_t>(goals.size());
  return reach;
}

void Mesh::Send(MeshMember& to, const RelayLedger::Owed& owed, const TopicHash& topic,
                link::RelayItem relay, uint64_t target) {
  MeshMember::Open& open = to.open.emplace_back();
  open.owed = owed;
  open.topic = topic;
  relay.tag = ++to.last_tag;
  relay.target = target;
  open.relay = to.outbox.AddRelay(relay);
  to.open_cost += open.cost();
  to.largest_open = std::max(to.largest_open, open.cost());
  if (to.link) {
    ++counters_.relays_out;
  } else {
    to.outbox.Clear();
  }
}

void Mesh::SendAll(MeshMember& to, const std::vector<MeshRelay>& relays, uint64_t target) {
  for (const MeshRelay& one : relays)
    Send(to, one.owed, HashTopic(one.item.topic), one.item, target);
}

void Mesh::OnRelay(MeshMember& from, const link::RelayItem& item) {
  ++counters_.relays_in;
  const auto sender = lanes_.find(item.lane);
  // Once the sender's lane has sent its snapshot to another core, that core sends the open relays,
  // and may be ahead of this one. Not before: the lane may resume its link, and then resends none.
  if (sender == lanes_.end() || sender->second.source != from.id) {
    ++counters_.stale_relays;
    return from.incoming.Routed(item.tag, 0);
  }
  const RelayLedger::Owed owed{from.id, kMeshLinkBit | from.link->number(), item.tag};
  uint32_t targets = 0;
  bool reached_target = false;
  receivers_.clear();
  TopicRecord* topic = host_.directory.FindTopic(item.topic);
  const PeerRecord* addressee = item.to == 0 ? nullptr : host_.directory.FindPeer(item.to);
  for (size_t i = 0; topic && i < topic->interests.size(); ++i) {
    LaneRecord& lane = *topic->interests[i].lane;
    if (item.target != 0 && item.target != lane.id) continue;
    if (item.to != 0 &&
        (!addressee || addressee->lane != &lane || !addressee->topics.contains(topic)))
      continue;
    // A core that does not know yet that the lane is here keeps the relay for it, and will send it.
    const auto moving = moving_.find(lane.id);
    const bool unaware = moving != moving_.end() && moving->second.unaware.contains(from.id);
    const bool ready = !lane.channel || lane.state != LaneState::kSyncing;
    if (unaware && (item.target == 0 || !ready)) continue;
    reached_target = item.target != 0;
    if (lane.late) {
      Defer(lane.id, owed, item);
      ++targets;
    } else {
      receivers_.push_back(&lane);
    }
  }
  targets += HoldBack(from, item, reached_target);
  for (LaneRecord* lane : receivers_)
    targets += host_.relays.DeliverItem(*lane, item, owed) ? 1 : 0;
  from.incoming.Routed(item.tag, targets);
}

uint32_t Mesh::HoldBack(MeshMember& from, const link::RelayItem& item, bool reached_target) {
  if (moving_.empty()) return 0;
  uint32_t held = 0;
  const TopicHash topic = HashTopic(item.topic);
  for (auto& [id, moving] : moving_) {
    if (!moving.unaware.contains(from.id) || (item.target != 0 && item.target != id)) continue;
    if (item.target == 0 ? !Interested(topic, id) : reached_target) continue;
    moving.tags[from.id].push_back(item.tag);
    ++held;
  }
  return held;
}

// It must be delivered after the relays that other cores keep for the lane.
void Mesh::Defer(uint64_t lane, const RelayLedger::Owed& owed, const link::RelayItem& relay) {
  moving_[lane].deferred.emplace_back(owed, relay);
}

void Mesh::OnSettled(MeshMember& from, const MeshItem& item) {
  for (int i = 0; i + 1 < item.ranges_size(); i += 2) {
    const uint64_t last = std::min(item.ranges(i + 1), from.last_tag);
    for (uint64_t tag = std::max(item.ranges(i), from.first_tag()); tag <= last; ++tag) {
      if (MeshMember::Open* open = from.FindOpen(tag)) host_.relays.Settle(from.Close(*open));
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

// Mesh: subscriptions at all cores, and the Joined and Left notices that follow from them.
#include <algorithm>
#include <utility>

#include "core/directory.h"
#include "core/mesh.h"
#include "core/presence.h"

namespace cairn::core {

using signaling::v1::MeshItem;
using signaling::v1::Notice;

// ---- interest

uint64_t Mesh::LaneOf(const MeshInterest::Entry& entry) const {
  if (entry.place != MeshInterest::kHere) return places_[entry.place]->lane;
  const PeerRecord* peer = host_.directory.FindPeer(entry.peer);
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
    const PeerRecord* here = host_.directory.FindPeer(peer);
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
  // A subscription is new to others, too, if the core that knew it ended before it had told them,
  // or if its lane was lost.
  const bool is_fresh = (is_new || wants_answer || lost_.contains(peer.lane->id)) && !known;
  MeshBarrier barrier{peer.id, topic, !added, {}};
  for (const auto& [id, member] : members_) {
    if (wants_answer && !member->absent(now_)) barrier.waiting.insert(id);
  }
  if (added || wants_answer) {
    for (const auto& [id, member] : members_) {
      MeshItem& item = Add(*member, MeshItem::KIND_SUBSCRIBED);
      item.set_lane(peer.lane->id);
      item.set_peer(peer.id);
      item.set_topic(topic);
      item.set_stamp(stamp);
      item.set_is_new(is_fresh);
      if (barrier.waiting.contains(id)) item.set_barrier(barriers_.next());
    }
  }
  if (is_fresh) host_.presence.Announce(Notice::KIND_JOINED, peer.id, topic, 0);
  if (!wants_answer) return;
  if (barrier.waiting.empty()) return Answer(barrier);
  barriers_.Add(std::move(barrier));
}

void Mesh::OnUnsubscribed(const PeerRecord& peer, std::string_view topic) {
  interest_.Remove(HashTopic(topic), peer.id, MeshInterest::kHere);
  Broadcast(MeshItem::KIND_UNSUBSCRIBED, [&](MeshItem& item) {
    item.set_lane(peer.lane->id);
    item.set_peer(peer.id);
    item.mutable_topic()->assign(topic);
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
    const bool is_new = item.is_new() || places_[place]->returns;
    if (is_new && !known)
      host_.presence.Announce(Notice::KIND_JOINED, item.peer(), item.topic(), 0);
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
      host_.presence.Announce(Notice::KIND_LEFT, item.peer(), item.topic(), 0);
    return;
  }
}

// ---- notices: Joined, Left, Subscribed

void Mesh::OnCounted(const MeshMember& from, uint64_t number) {
  if (const auto barrier = barriers_.Confirm(number, from.id)) Answer(*barrier);
}

void Mesh::EndBarriers(uint64_t core) {
  const auto gone = [&](uint64_t id) {
    const MeshMember* member = Member(id);
    return core == id || !member || member->absent(now_);
  };
  for (const MeshBarrier& barrier : barriers_.Leave(gone)) Answer(barrier);
}

void Mesh::Answer(const MeshBarrier& barrier) {
  PeerRecord* peer = host_.directory.FindPeer(barrier.peer);
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
  host_.presence.AnswerSubscribed(*peer, barrier.topic, earlier.size());
  for (const uint64_t other : later) {
    if (!earlier.contains(other))
      host_.presence.Announce(Notice::KIND_JOINED, other, barrier.topic, peer->id);
  }
}

}  // namespace cairn::core

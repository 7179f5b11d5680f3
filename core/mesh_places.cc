// Mesh: places of lanes, and the relays that were sent to a place and are not settled.
#include <algorithm>
#include <utility>

#include "core/directory.h"
#include "core/mesh.h"
#include "core/presence.h"

namespace cairn::core {

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
  for (const auto& topic : host_.directory.topics()) {
    const bool watched =
        std::any_of(topic->interests.begin(), topic->interests.end(),
                    [](const Interest& interest) { return interest.watchers > 0; });
    if (!watched) continue;
    const TopicHash hash = HashTopic(topic->name());
    for (auto* entry = interest_.First(hash); entry; entry = interest_.Next(*entry)) {
      if (is_lost(*entry) && !HasCounting(hash, entry->peer, nullptr))
        host_.presence.Announce(signaling::v1::Notice::KIND_LEFT, entry->peer, topic->name(), 0);
    }
  }
  interest_.Sweep([this](const MeshInterest::Entry& entry) {
    return entry.place != MeshInterest::kHere && places_[entry.place]->over;
  });
  free_places_.insert(free_places_.end(), over_.begin(), over_.end());
  over_.clear();
}

std::vector<MeshRelay> Mesh::Residue(uint64_t lane, uint32_t believed, uint32_t place) {
  std::vector<MeshRelay> residue;
  for (const MeshMember::Open& one : places_[believed]->at->open) {
    if (one.settled()) continue;
    for (auto* entry = interest_.First(one.topic); entry; entry = interest_.Next(*entry)) {
      if (entry->place != place || LaneOf(*entry) != lane) continue;
      const link::RelayItem relay = one.relay.Read();
      if (relay.lane == lane || (relay.target != 0 && relay.target != lane)) break;
      if (relay.to != 0 && relay.to != entry->peer) continue;
      residue.emplace_back(one.owed, relay);
      break;
    }
  }
  Sort(residue);
  // A relay may have been sent twice, for different lanes: once is enough.
  residue.erase(std::unique(residue.begin(), residue.end(),
                            [](const MeshRelay& a, const MeshRelay& b) {
                              return a.item.lane == b.item.lane &&
                                     a.item.sequence == b.item.sequence;
                            }),
                residue.end());
  return residue;
}

void Mesh::Sort(std::vector<MeshRelay>& relays) {
  const auto key = [](const MeshRelay& one) { return std::pair(one.item.lane, one.item.sequence); };
  std::stable_sort(relays.begin(), relays.end(),
                   [key](const auto& a, const auto& b) { return key(a) < key(b); });
}

}  // namespace cairn::core

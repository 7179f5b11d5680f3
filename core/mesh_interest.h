// MeshInterest: the subscriptions of the whole fleet: topic, peer, and the peer's place.
//
// Topics are known by a hash of 128 bits with this process's own seed; their names are not kept. An
// entry of this core's own peers stands under kHere.
//
// Owner:  Mesh.
// Thread: the router's.
// Bounds: an entry per subscription of the fleet: 24 bytes and the topic's slot, 50 to 70 in all.
#ifndef CAIRN_CORE_MESH_INTEREST_H_
#define CAIRN_CORE_MESH_INTEREST_H_

#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>
#include <absl/strings/string_view.h>

#include <array>
#include <cstdint>
#include <deque>
#include <string_view>
#include <utility>

namespace cairn::core {

// Four words, so that a slot of the table has no padding.
using TopicHash = std::array<uint32_t, 4>;

inline TopicHash HashTopic(std::string_view topic) {
  const absl::string_view name(topic.data(), topic.size());
  const uint64_t a = absl::HashOf(1, name), b = absl::HashOf(2, name);
  return {static_cast<uint32_t>(a), static_cast<uint32_t>(a >> 32), static_cast<uint32_t>(b),
          static_cast<uint32_t>(b >> 32)};
}

class MeshInterest {
 public:
  static constexpr uint32_t kHere = 0;
  struct Entry {
    uint64_t peer;
    uint64_t stamp;
    uint32_t place;  // kHere, or an index of the mesh's places
    uint32_t next;   // of the same topic; kNone: the last
  };

  // REQUIRES: it has no entry for the same topic, peer and place.
  void Add(const TopicHash& topic, uint64_t peer, uint32_t place, uint64_t stamp) {
    const uint32_t at = Take();
    const auto [slot, added] = topics_.try_emplace(topic, at);
    entries_[at] = {peer, stamp, place, added ? kNone : slot->second};
    slot->second = at;
    ++size_;
  }
  // False when there is none.
  bool Remove(const TopicHash& topic, uint64_t peer, uint32_t place) {
    return RemoveIf(topic,
                    [&](const Entry& entry) { return entry.peer == peer && entry.place == place; });
  }
  Entry* Find(const TopicHash& topic, uint64_t peer, uint32_t place) {
    for (Entry* entry = First(topic); entry; entry = Next(*entry)) {
      if (entry->peer == peer && entry->place == place) return entry;
    }
    return nullptr;
  }
  // Of one topic, in no order. Null: no more.
  Entry* First(const TopicHash& topic) {
    const auto slot = topics_.find(topic);
    return slot == topics_.end() ? nullptr : &entries_[slot->second];
  }
  Entry* Next(const Entry& entry) { return entry.next == kNone ? nullptr : &entries_[entry.next]; }
  // Removes every entry for which gone(entry) is true: looks at all of them.
  template <typename Gone>
  void Sweep(Gone gone) {
    for (auto it = topics_.begin(); it != topics_.end();) {
      const auto topic = it++;
      if (Unlink(topic->second, gone); topic->second == kNone) topics_.erase(topic);
    }
  }
  size_t size() const { return size_; }
  // Topics with an entry.
  size_t topics() const { return topics_.size(); }

 private:
  static constexpr uint32_t kNone = 0xffffffff;

  uint32_t Take() {
    if (free_ == kNone) {
      entries_.emplace_back();
      return static_cast<uint32_t>(entries_.size() - 1);
    }
    return std::exchange(free_, entries_[free_].next);
  }
  template <typename Gone>
  bool RemoveIf(const TopicHash& topic, Gone gone) {
    const auto slot = topics_.find(topic);
    if (slot == topics_.end()) return false;
    const size_t before = size_;
    Unlink(slot->second, gone);
    if (slot->second == kNone) topics_.erase(slot);
    return size_ < before;
  }
  template <typename Gone>
  void Unlink(uint32_t& first, Gone gone) {
    uint32_t* link = &first;
    while (*link != kNone) {
      const uint32_t at = *link;
      if (!gone(entries_[at])) {
        link = &entries_[at].next;
        continue;
      }
      *link = entries_[at].next;
      entries_[at].next = std::exchange(free_, at);
      --size_;
    }
  }

  absl::flat_hash_map<TopicHash, uint32_t> topics_;  // the first entry
  std::deque<Entry> entries_;
  uint32_t free_ = kNone;  // the first that is not used
  size_t size_ = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_MESH_INTEREST_H_

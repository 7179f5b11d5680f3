// HeldQueries: the queries that wait for the first record of a topic.
//
// How long they wait is decided by the edges, which end them.
//
// Owner:  Router.
// Thread: the router's.
// Bounds: max_held in total; a query above it is not held, and its edge sends an empty answer in
//         time.
#ifndef CAIRN_CORE_HELD_QUERIES_H_
#define CAIRN_CORE_HELD_QUERIES_H_

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::core {

class HeldQueries {
 public:
  explicit HeldQueries(size_t max_held = 100'000) : max_held_(max_held) {}

  // False when there is no room. A peer that asks again for a topic is still held once.
  bool Hold(std::string_view topic, uint64_t peer) {
    if (held_ >= max_held_) return false;
    std::vector<uint64_t>& peers = topics_[std::string(topic)];
    if (std::find(peers.begin(), peers.end(), peer) == peers.end()) {
      peers.push_back(peer);
      ++held_;
    }
    return true;
  }

  // Removes and returns everyone who waits for the topic.
  std::vector<uint64_t> Take(std::string_view topic) {
    const auto it = topics_.find(std::string(topic));
    if (it == topics_.end()) return {};
    std::vector<uint64_t> peers = std::move(it->second);
    held_ -= peers.size();
    topics_.erase(it);
    return peers;
  }

  void Remove(std::string_view topic, uint64_t peer) {
    const auto it = topics_.find(std::string(topic));
    if (it == topics_.end()) return;
    held_ -= std::erase(it->second, peer);
    if (it->second.empty()) topics_.erase(it);
  }

  size_t size() const { return held_; }

 private:
  const size_t max_held_;
  size_t held_ = 0;
  absl::flat_hash_map<std::string, std::vector<uint64_t>> topics_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_HELD_QUERIES_H_

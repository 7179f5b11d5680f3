#include "core/held_queries.h"

#include <algorithm>
#include <utility>

namespace cairn::core {

HeldQueries::HeldQueries(size_t max_held) : max_held_(max_held) {}

bool HeldQueries::Hold(std::string_view topic, uint64_t peer) {
  if (held_ >= max_held_) return false;
  std::vector<uint64_t>& peers = topics_[std::string(topic)];
  if (std::find(peers.begin(), peers.end(), peer) == peers.end()) {
    peers.push_back(peer);
    ++held_;
  }
  return true;
}

std::vector<uint64_t> HeldQueries::Take(std::string_view topic) {
  const auto it = topics_.find(std::string(topic));
  if (it == topics_.end()) return {};
  std::vector<uint64_t> peers = std::move(it->second);
  held_ -= peers.size();
  topics_.erase(it);
  return peers;
}

void HeldQueries::Remove(std::string_view topic, uint64_t peer) {
  const auto it = topics_.find(std::string(topic));
  if (it == topics_.end()) return;
  held_ -= std::erase(it->second, peer);
  if (it->second.empty()) topics_.erase(it);
}

}  // namespace cairn::core

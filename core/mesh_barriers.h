// MeshBarriers: subscriptions of this core's peers that are answered once other cores have
// confirmed them (docs/MESH.md, M9).
//
// Owner:  Mesh.
// Thread: the router's.
// Bounds: one for each subscription that is not answered; a core that is silent is not waited for.
#ifndef CAIRN_CORE_MESH_BARRIERS_H_
#define CAIRN_CORE_MESH_BARRIERS_H_

#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cairn::core {

struct MeshBarrier {
  uint64_t peer = 0;
  std::string topic;
  bool all = false;                       // was answered before: all others count
  absl::flat_hash_set<uint64_t> waiting;  // cores that have not confirmed it
};

class MeshBarriers {
 public:
  // The number of the next Add().
  uint64_t next() const { return last_ + 1; }
  // REQUIRES: it waits for a core.
  void Add(MeshBarrier barrier) { barriers_.emplace(++last_, std::move(barrier)); }
  // The core has confirmed that one: it is returned, and forgotten, if no other is waited for.
  std::optional<MeshBarrier> Confirm(uint64_t number, uint64_t core) {
    const auto it = barriers_.find(number);
    if (it == barriers_.end()) return std::nullopt;
    it->second.waiting.erase(core);
    if (!it->second.waiting.empty()) return std::nullopt;
    MeshBarrier barrier = std::move(it->second);
    barriers_.erase(it);
    return barrier;
  }
  // Cores for which gone(id) is true are not waited for any more. Those that wait for no other are
  // returned, and forgotten.
  template <typename Gone>
  std::vector<MeshBarrier> Leave(Gone gone) {
    std::vector<MeshBarrier> over;
    for (auto it = barriers_.begin(); it != barriers_.end();) {
      const auto one = it++;
      absl::erase_if(one->second.waiting, gone);
      if (!one->second.waiting.empty()) continue;
      over.push_back(std::move(one->second));
      barriers_.erase(one);
    }
    return over;
  }
  // The peer has left.
  void Forget(uint64_t peer) {
    std::erase_if(barriers_, [peer](const auto& one) { return one.second.peer == peer; });
  }
  size_t size() const { return barriers_.size(); }

 private:
  std::map<uint64_t, MeshBarrier> barriers_;  // by number
  uint64_t last_ = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_MESH_BARRIERS_H_

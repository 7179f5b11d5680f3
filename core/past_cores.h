// PastCores: the cores that this one has given up: which there were, and how each ended, for
// operators.
//
// Owner:  Mesh.
// Thread: the router's. Time is handed in, steady.
// Bounds: kMaxRemembered ids, of which kMaxShown with names; the oldest goes first.
#ifndef CAIRN_CORE_PAST_CORES_H_
#define CAIRN_CORE_PAST_CORES_H_

#include <absl/container/flat_hash_set.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "core/mesh_counters.h"

namespace cairn::core {

struct PastCore {
  uint64_t id = 0;
  std::string name;
  std::string version;
  MeshEnd reason = MeshEnd::kTimeout;
  absl::Duration heard;  // the last time
  absl::Duration ended;
  uint32_t lanes = 0;  // lost with it
};

class PastCores {
 public:
  static constexpr absl::Duration kShown = absl::Hours(1);
  static constexpr size_t kMaxShown = 64;
  static constexpr size_t kMaxRemembered = 16'384;

  void Add(PastCore core) {
    if (ids_.insert(core.id).second) order_.push_back(core.id);
    if (order_.size() > kMaxRemembered) {
      ids_.erase(order_.front());
      order_.pop_front();
    }
    shown_.push_back(std::move(core));
    if (shown_.size() > kMaxShown) shown_.pop_front();
  }
  // Whether it was given up before; it may be there again.
  bool Contains(uint64_t id) const { return ids_.contains(id); }

  // Those of the last hour that have not rejoined, the latest last.
  const std::deque<PastCore>& shown() const { return shown_; }
  // It has rejoined.
  void OnBack(uint64_t id) {
    std::erase_if(shown_, [id](const PastCore& one) { return one.id == id; });
  }
  // A core of that name is there: the same one, or restarted.
  void OnBack(const std::string& name) {
    std::erase_if(shown_, [&name](const PastCore& one) { return one.name == name; });
  }
  void Tick(absl::Duration now) {
    while (!shown_.empty() && now - shown_.front().ended > kShown) shown_.pop_front();
  }

 private:
  absl::flat_hash_set<uint64_t> ids_;
  std::deque<uint64_t> order_;
  std::deque<PastCore> shown_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_PAST_CORES_H_

// CoreTurns: which of its cores a lane tries, and in which order.
//
// A lane stays with the core that it has, also over a broken connection: there its link goes on.
// The others follow in the order of preference. Cores that failed although they could be reached
// come last, the one that failed longest ago first.
//
// Owner:  one Http2CoreStreamOpener.
// Thread: its loop.
// Bounds: a number for each core.
#ifndef CAIRN_EDGE_CORE_TURNS_H_
#define CAIRN_EDGE_CORE_TURNS_H_

#include <cstddef>
#include <optional>
#include <vector>

namespace cairn::edge {

class CoreTurns {
 public:
  // Cores are numbered from 0, the preferred one, on.
  explicit CoreTurns(size_t cores) : cores_(cores) {}

  // All of them, the one to try now first.
  std::vector<size_t> Next() const;

  // It has answered: the lane is with it.
  void OnGood(size_t core);
  // It could be reached, and has not answered or has fallen silent.
  void OnFailed(size_t core);
  // The lane returns to the core that it prefers, which is well.
  void GoBack() {
    current_.reset();
    failed_.clear();
  }

  size_t size() const { return cores_; }

 private:
  const size_t cores_;
  std::optional<size_t> current_;
  std::vector<size_t> failed_;  // oldest first
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_TURNS_H_

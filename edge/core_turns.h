// CoreTurns: which of its cores a lane tries, and in which order.
//
// A lane stays with the core that it has, also over a broken connection: there its link goes on.
// The others follow in the order of preference. Cores that could be reached and failed within the
// last kFailureKept come last, the one that failed longest ago first.
//
// Owner:  one Http2CoreStreamOpener.
// Thread: its loop.
// Bounds: a number for each core.
#ifndef CAIRN_EDGE_CORE_TURNS_H_
#define CAIRN_EDGE_CORE_TURNS_H_

#include <absl/time/time.h>

#include <cstddef>
#include <optional>
#include <vector>

namespace cairn::edge {

class CoreTurns {
 public:
  static constexpr absl::Duration kFailureKept = absl::Seconds(30);

  // Cores are numbered from 0, the preferred one, on.
  explicit CoreTurns(size_t cores) : cores_(cores) {}

  // All of them, the one to try now first.
  std::vector<size_t> Next(absl::Duration now) const;

  // It has answered: the lane is with it.
  void OnGood(size_t core);
  // Another lane's call was answered there: it can be tried, wherever the lane is.
  void OnWell(size_t core);
  // It could be reached, and has not answered or has fallen silent.
  void OnFailed(size_t core, absl::Duration now);
  // The lane returns to the core that it prefers, which is well.
  void GoBack() {
    current_.reset();
    failures_.clear();
  }

  size_t size() const { return cores_; }

 private:
  struct Failure {
    size_t core;
    absl::Duration at;
  };

  const size_t cores_;
  std::optional<size_t> current_;
  std::vector<Failure> failures_;  // oldest first, one a core
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_TURNS_H_

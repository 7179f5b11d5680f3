// ReturnHold: after a restart of the core, relays wait until the lanes that were there before are
// back.
//
// Returning lanes say in their Hello which lanes they knew. Without the hold, a relay of the first
// to return would miss everybody whose edge came back second.
//
// Owner:  Router. Thread: the router's. Time is handed in, Unix microseconds.
// Bounds: kGraceUs; what is held is unacknowledged, so that its edges stop reading at
// max_backlog_bytes each.
#ifndef CAIRN_CORE_RETURN_HOLD_H_
#define CAIRN_CORE_RETURN_HOLD_H_

#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "signaling/v1/lane.pb.h"

namespace cairn::core {

class ReturnHold {
 public:
  static constexpr int64_t kGraceUs = 2'000'000;

  struct Held {
    uint64_t lane_id;
    signaling::v1::LaneEvent event;
  };

  void OnHello(const signaling::v1::Hello& hello, int64_t now_us) {
    const bool returns = hello.roster_size() > 0;
    for (const uint64_t lane : hello.roster()) Await(lane, now_us);
    if (returns) Await(hello.lane_id(), now_us);
    known_.insert(hello.lane_id());
  }
  // The lane has said everything it had to: it is back.
  void OnSnapshotEnd(uint64_t lane_id) { awaited_.erase(lane_id); }

  bool holding(int64_t now_us) {
    if (now_us >= until_us_) awaited_.clear();
    return !awaited_.empty();
  }
  void Add(uint64_t lane_id, signaling::v1::LaneEvent& event) {
    held_.push_back({lane_id, {}});
    held_.back().event.Swap(&event);
  }
  // The lane's stream is gone: it will say again what it had said.
  void Forget(uint64_t lane_id) {
    std::erase_if(held_, [lane_id](const Held& held) { return held.lane_id == lane_id; });
  }
  std::vector<Held> Release() { return std::exchange(held_, {}); }
  bool empty() const { return held_.empty(); }

 private:
  void Await(uint64_t lane, int64_t now_us) {
    // Whom this core has seen, it need not wait for: gone or here, its peers are accounted for.
    if (known_.contains(lane) || !awaited_.insert(lane).second) return;
    if (until_us_ == 0) until_us_ = now_us + kGraceUs;
  }

  absl::flat_hash_set<uint64_t> known_;
  absl::flat_hash_set<uint64_t> awaited_;
  int64_t until_us_ = 0;  // once for the life of a core: it restarts only once
  std::vector<Held> held_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_RETURN_HOLD_H_

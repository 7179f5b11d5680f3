// RelayLedger: the relays of a lane that are not settled, and the deliveries that a lane has not
// acknowledged.
//
// A relay is settled when every lane that it went to has acknowledged it or was given up: each
// relay on its own, in any order.
//
// Owner:  a LaneRecord, as origin and as target.
// Thread: the router's.
// Bounds: what the lane's edge keeps (EdgeLimits::max_open_bytes), 16 bytes a relay; what the lane
//         may leave unacknowledged (CoreLimits::max_lane_queued_bytes), 16 bytes a delivery.
#ifndef CAIRN_CORE_RELAY_LEDGER_H_
#define CAIRN_CORE_RELAY_LEDGER_H_

#include <google/protobuf/repeated_field.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace cairn::core {

class RelayLedger {
 public:
  // ---- as origin
  // A relay of the lane, with a number higher than all before, went to that many targets.
  void Routed(uint64_t seq, uint32_t targets) {
    if (targets == 0) return AddSettled(seq);
    open_.push_back({seq, targets});
  }
  // Adds one target to a relay that is not settled.
  void AddTarget(uint64_t seq) {
    const auto relay = Find(seq);
    if (relay != open_.end() && relay->seq == seq) ++relay->targets;
  }
  // One target has acknowledged the relay, or was given up.
  void Settle(uint64_t seq) {
    const auto relay = Find(seq);
    if (relay == open_.end() || relay->seq != seq || relay->targets == 0) return;
    if (--relay->targets > 0) return;
    AddSettled(seq);
    while (!open_.empty() && open_.front().targets == 0) open_.pop_front();
  }
  // The number of settled relays that the lane has not been told of.
  uint64_t untold() const { return untold_; }
  // Appends them as pairs: first, last.
  void TakeSettled(google::protobuf::RepeatedField<uint64_t>* out) {
    for (const Range& range : settled_) {
      out->Add(range.first);
      out->Add(range.last);
    }
    settled_.clear();
    untold_ = 0;
  }
  bool open() const { return !open_.empty(); }

  // ---- as target
  struct Owed {
    uint64_t origin_lane;
    uint64_t origin_link;  // Welcome.link: a lane that was given up resends on another link
    uint64_t origin_seq;
  };
  void Sent(const Owed& owed) { owed_.push_back(owed); }
  size_t owed() const { return owed_.size(); }
  // Calls settle(const Owed&) for the oldest `count` deliveries.
  template <typename SettleOne>
  void Answered(size_t count, SettleOne settle) {
    for (; count > 0 && !owed_.empty(); --count) {
      const Owed owed = owed_.front();
      owed_.pop_front();
      settle(owed);
    }
  }

 private:
  struct Open {
    uint64_t seq;
    uint32_t targets;  // 0: settled, but an earlier one is not
  };
  struct Range {
    uint64_t first;
    uint64_t last;
  };

  std::deque<Open>::iterator Find(uint64_t seq) {
    if (!open_.empty() && seq <= open_.front().seq) return open_.begin();
    return std::lower_bound(open_.begin(), open_.end(), seq,
                            [](const Open& relay, uint64_t number) { return relay.seq < number; });
  }
  void AddSettled(uint64_t seq) {
    ++untold_;
    if (!settled_.empty() && settled_.back().last + 1 == seq) {
      settled_.back().last = seq;
    } else {
      settled_.push_back({seq, seq});
    }
  }

  std::deque<Open> open_;  // ascending
  std::vector<Range> settled_;
  uint64_t untold_ = 0;
  std::deque<Owed> owed_;  // oldest first
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_RELAY_LEDGER_H_

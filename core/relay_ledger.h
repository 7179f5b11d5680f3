// RelayLedger: which relays of a lane are still on their way to somebody, and which deliveries a
// lane still owes an answer for.
//
// A relay is settled when every lane it went to has put it into its clients' queues, or is gone.
// What an origin is told as acknowledged is settled, and everything before it: if the core dies
// now, only the rest has to be sent again.
//
// Owner:  a LaneRecord, as origin and as target. Thread: the router's.
// Bounds: what its edge keeps unacknowledged (EdgeLimits::max_backlog_bytes); 4 bytes a relay, 24 a
// delivery.
#ifndef CAIRN_CORE_RELAY_LEDGER_H_
#define CAIRN_CORE_RELAY_LEDGER_H_

#include <cstdint>
#include <deque>
#include <utility>

namespace cairn::core {

class RelayLedger {
 public:
  // ---- as origin. Numbers come in ascending order; a lane that says one again has a new ledger.
  void Routed(uint64_t seq, uint32_t targets) {
    if (open_.empty()) first_open_ = seq;
    open_.push_back(targets);
    Advance();
  }
  // The lane has a new stream, on which it will say again what is not settled.
  void Restart() {
    open_.clear();
    first_open_ = settled_ = 0;
  }
  // One target of the relay is done with it.
  void Settle(uint64_t seq) {
    if (seq < first_open_ || seq - first_open_ >= open_.size()) return;
    uint32_t& targets = open_[seq - first_open_];
    if (targets > 0) --targets;
    Advance();
  }
  // Everything up to and including it is settled; 0: nothing yet.
  uint64_t settled() const { return settled_; }

  // ---- as target
  struct Owed {
    uint64_t delivery_seq;
    uint64_t origin_lane;
    uint64_t origin_seq;
    // Of the origin's ledger: what an earlier stream of its sent does not count.
    uint64_t origin_epoch;
  };
  void Sent(const Owed& owed) { owed_.push_back(owed); }
  // All that is owed, oldest first; then nothing is.
  std::deque<Owed> TakeOwed() { return std::exchange(owed_, {}); }
  bool owes() const { return !owed_.empty(); }
  // Calls settle(const Owed&) for every delivery up to and including `delivery_seq`.
  template <typename Settle>
  void Acknowledged(uint64_t delivery_seq, Settle settle) {
    while (!owed_.empty() && owed_.front().delivery_seq <= delivery_seq) {
      settle(owed_.front());
      owed_.pop_front();
    }
  }

 private:
  void Advance() {
    while (!open_.empty() && open_.front() == 0) {
      settled_ = first_open_++;
      open_.pop_front();
    }
  }

  std::deque<uint32_t> open_;  // targets left, of first_open_ and those after it
  uint64_t first_open_ = 0;
  uint64_t settled_ = 0;
  std::deque<Owed> owed_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_RELAY_LEDGER_H_

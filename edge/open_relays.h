// OpenRelays: relays of a lane that the core has accepted but some lane may not have yet.
//
// They are kept to be sent to the next core if this one ends. Each is settled on its own, in any
// order.
//
// Owner:  Lane.
// Thread: its loop.
// Bounds: the lane compares cost() with EdgeLimits::max_open_bytes. kMaxSpare settled ones are kept for
//         their memory.
#ifndef CAIRN_EDGE_OPEN_RELAYS_H_
#define CAIRN_EDGE_OPEN_RELAYS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "signaling/v1/lane.pb.h"

namespace cairn::edge {

class OpenRelays {
 public:
  // Settled relays whose memory is kept for new ones: as many as a busy loop has open, or each
  // would be allocated anew. About 1 MB of the usual ones.
  static constexpr size_t kMaxSpare = 2048;

  // Takes an event whose number is higher than any before.
  void Keep(signaling::v1::LaneEvent& event);
  // Settles all numbers from `first` to `last`; some may be settled already.
  void Settle(uint64_t first, uint64_t last);
  // The sender has its receipt, and must not get another one from the next core.
  void ReceiptGiven(uint64_t seq);
  // Returns all in ascending order, and becomes empty.
  std::deque<signaling::v1::LaneEvent> TakeAll();

  bool empty() const { return open_ == 0; }
  size_t size() const { return open_; }
  size_t cost() const { return cost_; }

 private:
  using Event = std::unique_ptr<signaling::v1::LaneEvent>;
  struct Entry {
    uint64_t seq;
    size_t cost;
    Event event;  // null: settled
  };
  // Settled entries in the middle are kept until the ones before them are settled too.
  std::deque<Entry>::iterator Find(uint64_t seq);
  void Release(Entry& entry);

  std::deque<Entry> entries_;  // ascending numbers; the first is open
  size_t open_ = 0;
  size_t cost_ = 0;
  // Cleared, for their memory.
  std::vector<Event> spare_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_OPEN_RELAYS_H_

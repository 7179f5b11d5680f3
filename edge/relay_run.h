// RelayRun: relays of one sender to one topic, or one relay to one peer, that are handed to clients
// together; and their frames in every dialect, encoded when the first client needs them.
//
// Owner:  Lane.
// Thread: its loop.
// Bounds: kMost relays and kMostBytes of payload, which the last one may exceed. The memory of the
//         frames is reused.
#ifndef CAIRN_EDGE_RELAY_RUN_H_
#define CAIRN_EDGE_RELAY_RUN_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/link/byte_block.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::edge {

class RelayRun {
 public:
  static constexpr size_t kMost = 64;
  static constexpr size_t kMostBytes = 64 << 10;
  // Relays times members of their topic.
  static constexpr size_t kMostDeliveries = 65'536;

  bool empty() const { return relays_.empty(); }
  std::span<signaling::v1::Delivery* const> relays() const { return relays_; }
  // REQUIRES: !empty().
  const signaling::v1::Delivery& first() const { return *relays_.front(); }
  uint64_t sender() const { return first().from(); }

  // Whether it has room for another relay to its topic, of so many members.
  bool HasRoom(size_t members) const {
    return relays_.size() < kMost && bytes_ < kMostBytes &&
           (relays_.size() + 1) * members <= kMostDeliveries;
  }
  // Whether the relay is one of the same sender to the same topic.
  bool Continues(const signaling::v1::Delivery& next) const {
    const signaling::v1::Delivery& last = *relays_.back();
    return next.from() == last.from() && next.to() == 0 && last.to() == 0 &&
           next.topic() == last.topic();
  }
  // The relay must outlive the run, or its next Keep().
  void Borrow(signaling::v1::Delivery& relay) {
    relays_.push_back(&relay);
    bytes_ += relay.payload().size();
  }
  void Add(signaling::v1::Delivery&& relay);
  // Takes the contents of what it has borrowed.
  void Keep();
  void Clear();

  // All frames, in the order of the relays. REQUIRES: nothing is added afterwards.
  std::string_view NativeFrames();
  std::string_view V2Frames();

 private:
  std::vector<signaling::v1::Delivery*> relays_;
  // What they point to, unless it is borrowed. Never more than what has been reserved.
  std::vector<signaling::v1::Delivery> own_;
  size_t bytes_ = 0;  // of payload
  link::ByteBlock native_frames_;
  std::string v2_frames_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_RELAY_RUN_H_

// Outbox: what a lane still has to tell the core, and what it has told but would have to repeat.
//
// Gathers events while a write is in flight, so that one frame travels at once when idle and
// hundreds together under load. Keeps every relay until the core acknowledges it; after a reconnect
// says Hello, the snapshot, then the unacknowledged relays again, in order and under their old
// numbers.
//
// Thread: none of its own; guarded by its owner.
// Bounds: relay_bytes() is what max_backlog_bytes is held against. The owner stops taking input
//         when it is full, so that the outbox never has to refuse.
#ifndef CAIRN_EDGE_OUTBOX_H_
#define CAIRN_EDGE_OUTBOX_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "signaling/v1/lane.pb.h"

namespace cairn::edge {

class Outbox {
 public:
  static constexpr uint64_t kDeliveriesPerAck = 256;

  // Takes the events of `batch` and leaves it cleared. Between Disconnect() and Connect(), relays
  // only.
  void Append(signaling::v1::LaneToCore& batch);

  // A stream has opened. `opening` is its first message: Hello and the snapshot.
  void Connect(signaling::v1::LaneToCore opening);
  // The stream is gone, and nothing reads the message that StartWrite() gave out any more.
  void Disconnect();
  bool connected() const { return connected_; }

  // The next message, to be left alone until FinishWrite(); null if there is none or one is in
  // flight.
  const signaling::v1::LaneToCore* StartWrite();
  void FinishWrite();

  // The core has everything up to and including `seq`.
  void Ack(uint64_t seq);
  // Everything up to and including the delivery has reached the clients' queues. Goes with the next
  // message; gets one of its own after kDeliveriesPerAck, or when AckNow() says so.
  void NoteDelivered(uint64_t seq) { delivered_seq_ = seq; }
  void AckNow() { ack_now_ = true; }
  // The next message is written even if there is nothing in it.
  void BeatNow() { beat_now_ = true; }

  // Topic and payload bytes of relays that are not acknowledged.
  size_t relay_bytes() const { return relay_bytes_; }
  // Nothing waits to be written, nothing is in flight.
  bool idle() const { return !in_flight_ && next_.events_size() == 0; }

 private:
  struct Written {
    uint64_t last_seq;
    size_t relay_bytes;
    signaling::v1::LaneToCore message;
  };

  // Moves the relays of `from` with a number above acked_seq_ to the end of `to`.
  void MoveRelays(signaling::v1::LaneToCore& from, signaling::v1::LaneToCore& to);

  bool connected_ = false;
  bool in_flight_ = false;
  signaling::v1::LaneToCore next_;
  signaling::v1::LaneToCore writing_;
  std::deque<Written> unacked_;  // oldest first
  uint64_t acked_seq_ = 0;
  uint64_t delivered_seq_ = 0;  // of the current stream
  uint64_t told_delivered_seq_ = 0;
  bool ack_now_ = false;
  bool beat_now_ = false;
  size_t relay_bytes_ = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_OUTBOX_H_

// OutQueue: the bytes that one client has not read yet: whole WebSocket frames; pongs overtake
// them.
//
// Owner:  one Connection.
// Thread: its loop.
// Bounds: none of its own: the connection compares size() with EdgeLimits::max_queued_bytes. Pongs:
//         kMaxPongBytes; above it only the latest is kept (RFC 6455 5.5.3). An empty queue holds no
//         memory.
#ifndef CAIRN_EDGE_OUT_QUEUE_H_
#define CAIRN_EDGE_OUT_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/prefetch.h"
#include "edge/spare_buffers.h"

namespace cairn::edge {

class OutQueue {
 public:
  static constexpr size_t kMaxPongBytes = 4096;
  static constexpr size_t kPrefetched = 512;

  explicit OutQueue(SpareBuffers& spare) : spare_(&spare) {}

  // `bytes` are one or more whole frames.
  void Append(std::string_view bytes) {
    if (data_.empty()) spare_->Lend(data_);
    data_.append(bytes);
    // What a busy client gets next is about as long: it is written without waiting for memory.
    const size_t room = data_.capacity() - data_.size();
    PrefetchToWrite(data_.data() + data_.size(), std::min({bytes.size(), room, kPrefetched}));
  }
  // `frame` is a whole pong; it is sent at the next boundary between frames.
  void AppendPong(std::string_view frame);
  // Bytes that are not frames: the answer to the upgrade. REQUIRES: nothing is queued.
  void AppendRaw(std::string_view bytes);

  bool empty() const { return head_ == data_.size() && !pongs_; }
  size_t size() const { return data_.size() - head_ + (pongs_ ? pongs_->bytes.size() : 0); }

  // The heap memory of the queue; 0 when it is empty.
  size_t memory_bytes() const {
    return empty() ? 0 : data_.capacity() + (pongs_ ? pongs_->bytes.capacity() : 0);
  }

  // The next bytes to write, in one piece. Empty if there are none.
  std::string_view Front();
  // The first `bytes` of Front() have been written.
  void Consume(size_t bytes);
  // The first `bytes` of Front() must be written next, unchanged: TLS has made a record of them
  // that the socket did not accept. REQUIRES: bytes <= Front().size().
  void Pin(size_t bytes);

  // Drops everything except the rest of a frame that has been written in part, and what is pinned.
  // A Close frame can follow.
  void DropWaiting();
  // Drops everything: nothing can be written any more.
  void Clear();

 private:
  // Whether the next byte of data_ begins a frame.
  bool AtBoundary() const { return head_ == boundary_; }
  void AdvanceBoundary();
  bool PongsAreFront() const {
    if (!pongs_) return false;
    if (pinned_ > 0) return pongs_->pinned;
    return pongs_->head > 0 || AtBoundary();
  }

  SpareBuffers* spare_;
  std::string data_;
  size_t head_ = 0;      // of data_: written before it
  size_t boundary_ = 0;  // of data_: the first frame boundary at or after head_
  size_t pinned_ = 0;    // bytes of the front that must not change
  struct Pongs {
    std::string bytes;    // not empty
    size_t head = 0;      // written before it
    bool pinned = false;  // pinned_ are bytes of these
  };
  std::unique_ptr<Pongs> pongs_;  // null: none wait
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_OUT_QUEUE_H_

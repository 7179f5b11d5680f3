#include "edge/out_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "proto/wire/ws_encoder.h"

namespace cairn::edge {

void OutQueue::AppendPong(std::string_view frame) {
  // A pong that has been written in part must be completed.
  const bool begun = pong_head_ > 0 || (pinned_ > 0 && pongs_pinned_);
  if (!begun && pongs_.size() + frame.size() > kMaxPongBytes) pongs_.clear();
  if (pongs_.size() < 2 * kMaxPongBytes) pongs_.append(frame);
}

void OutQueue::AppendRaw(std::string_view bytes) {
  CAIRN_CHECK(empty());
  Append(bytes);
  boundary_ = data_.size();
}

std::string_view OutQueue::Front() {
  if (PongsAreFront()) return std::string_view(pongs_).substr(pong_head_);
  // A pong waits for a frame boundary; without one everything can be written at once.
  const size_t end = pongs_.empty() ? data_.size() : std::max(boundary_, head_ + pinned_);
  return std::string_view(data_).substr(head_, end - head_);
}

void OutQueue::Consume(size_t bytes) {
  const bool pongs = PongsAreFront();
  pinned_ -= std::min(pinned_, bytes);
  if (pongs) {
    pong_head_ += bytes;
    CAIRN_CHECK(pong_head_ <= pongs_.size());
    if (pong_head_ == pongs_.size()) {
      std::string().swap(pongs_);  // assigning an empty string would keep the memory
      pong_head_ = 0;
    }
    return;
  }
  head_ += bytes;
  CAIRN_CHECK(head_ <= data_.size());
  if (head_ < data_.size()) {
    AdvanceBoundary();
    return;
  }
  head_ = boundary_ = 0;
  spare_->TakeBack(data_);
}

void OutQueue::Pin(size_t bytes) {
  CAIRN_CHECK(bytes <= Front().size());
  pongs_pinned_ = PongsAreFront();
  pinned_ = bytes;
}

void OutQueue::AdvanceBoundary() {
  while (boundary_ < head_) {
    boundary_ += wire::WsFrameSize(std::string_view(data_).substr(boundary_));
  }
  // Written bytes are removed once they are the larger half, so that each byte is moved at most
  // once.
  if (head_ > data_.size() / 2) {
    data_.erase(0, head_);
    boundary_ -= head_;
    head_ = 0;
  }
}

void OutQueue::DropWaiting() {
  const bool pinned_pongs = pinned_ > 0 && pongs_pinned_;
  const size_t must_leave = head_ + (pinned_pongs ? 0 : pinned_);
  while (boundary_ < must_leave) {
    boundary_ += wire::WsFrameSize(std::string_view(data_).substr(boundary_));
  }
  data_.resize(boundary_);
  data_.shrink_to_fit();
  if (pong_head_ == 0 && !pinned_pongs) pongs_.clear();
}

void OutQueue::Clear() {
  OutQueue cleared(*spare_);
  std::swap(*this, cleared);
}

}  // namespace cairn::edge

#include "edge/out_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "proto/wire/ws_encoder.h"

namespace cairn::edge {

void OutQueue::AppendPong(std::string_view frame) {
  if (!pongs_) pongs_ = std::make_unique<Pongs>();
  std::string& bytes = pongs_->bytes;
  // A pong that has been written in part must be completed.
  const bool begun = pongs_->head > 0 || (pinned_ > 0 && pongs_->pinned);
  if (!begun && bytes.size() + frame.size() > kMaxPongBytes) bytes.clear();
  if (bytes.size() < 2 * kMaxPongBytes) bytes.append(frame);
}

void OutQueue::AppendRaw(std::string_view bytes) {
  CAIRN_CHECK(empty());
  Append(bytes);
  boundary_ = data_.size();
}

std::string_view OutQueue::Front() {
  if (PongsAreFront()) return std::string_view(pongs_->bytes).substr(pongs_->head);
  // A pong waits for a frame boundary; without one everything can be written at once.
  const size_t end = pongs_ ? std::max(boundary_, head_ + pinned_) : data_.size();
  return std::string_view(data_).substr(head_, end - head_);
}

void OutQueue::Consume(size_t bytes) {
  const bool pongs = PongsAreFront();
  pinned_ -= std::min(pinned_, bytes);
  if (pongs) {
    pongs_->head += bytes;
    CAIRN_CHECK(pongs_->head <= pongs_->bytes.size());
    if (pongs_->head == pongs_->bytes.size()) pongs_.reset();
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
  if (pongs_) pongs_->pinned = PongsAreFront();
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
  const bool pinned_pongs = pinned_ > 0 && pongs_ && pongs_->pinned;
  const size_t must_leave = head_ + (pinned_pongs ? 0 : pinned_);
  while (boundary_ < must_leave) {
    boundary_ += wire::WsFrameSize(std::string_view(data_).substr(boundary_));
  }
  data_.resize(boundary_);
  data_.shrink_to_fit();
  if (pongs_ && pongs_->head == 0 && !pinned_pongs) pongs_.reset();
}

void OutQueue::Clear() {
  OutQueue cleared(*spare_);
  std::swap(*this, cleared);
}

}  // namespace cairn::edge

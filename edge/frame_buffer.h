// FrameBuffer: frames, one after the other. A std::string would fill their memory with zeros first.
//
// Thread: its owner's.
// Bounds: its owner's; it keeps the memory of the most that it has held.
#ifndef CAIRN_EDGE_FRAME_BUFFER_H_
#define CAIRN_EDGE_FRAME_BUFFER_H_

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace cairn::edge {

class FrameBuffer {
 public:
  bool empty() const { return size_ == 0; }
  std::string_view bytes() const { return {memory_.get(), size_}; }
  // Appends so many bytes, which must be written to the place that is returned.
  char* Extend(size_t bytes) {
    if (bytes > capacity_ - size_) Grow(bytes);
    char* const begin = memory_.get() + size_;
    size_ += bytes;
    return begin;
  }
  void Clear() { size_ = 0; }

 private:
  void Grow(size_t bytes) {
    capacity_ = std::max(2 * capacity_, size_ + bytes);
    auto larger = std::make_unique_for_overwrite<char[]>(capacity_);
    std::copy_n(memory_.get(), size_, larger.get());
    memory_ = std::move(larger);
  }

  std::unique_ptr<char[]> memory_;
  size_t capacity_ = 0;
  size_t size_ = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_FRAME_BUFFER_H_

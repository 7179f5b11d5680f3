// FrameBuffer: memory for one frame at a time. A std::string would fill it with zeros first.
//
// Thread: its owner's.
// Bounds: the largest frame that was written.
#ifndef CAIRN_EDGE_FRAME_BUFFER_H_
#define CAIRN_EDGE_FRAME_BUFFER_H_

#include <cstddef>
#include <memory>
#include <string_view>

namespace cairn::edge {

class FrameBuffer {
 public:
  bool empty() const { return size_ == 0; }
  std::string_view bytes() const { return {memory_.get(), size_}; }
  // Where so many bytes must be written.
  char* Begin(size_t bytes) {
    if (bytes > capacity_) {
      memory_ = std::make_unique_for_overwrite<char[]>(bytes);
      capacity_ = bytes;
    }
    size_ = bytes;
    return memory_.get();
  }
  void Clear() { size_ = 0; }

 private:
  std::unique_ptr<char[]> memory_;
  size_t capacity_ = 0;
  size_t size_ = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_FRAME_BUFFER_H_

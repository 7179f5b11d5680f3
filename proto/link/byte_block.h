// ByteBlock: bytes to which others are appended, without being set to zero first as a std::string
// does.
//
// Owner:  any.
// Thread: its owner's.
#ifndef CAIRN_PROTO_LINK_BYTE_BLOCK_H_
#define CAIRN_PROTO_LINK_BYTE_BLOCK_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace cairn::link {

class ByteBlock {
 public:
  ByteBlock() = default;
  explicit ByteBlock(std::string_view bytes) { Append(bytes); }

  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  std::string_view view() const { return {memory_.get(), size_}; }

  void Reserve(size_t capacity) {
    if (capacity > capacity_) Grow(capacity);
  }
  // Room for so many bytes behind the last one; Extend() says how many are written there. Valid
  // until the next call of this.
  char* Room(size_t bytes) {
    if (capacity_ - size_ < bytes) Grow(std::max(size_ + bytes, 2 * capacity_));
    return memory_.get() + size_;
  }
  void Extend(size_t bytes) { size_ += bytes; }
  void Append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(Room(bytes.size()), bytes.data(), bytes.size());
    Extend(bytes.size());
  }
  // Keeps its memory.
  void Clear() { size_ = 0; }

 private:
  void Grow(size_t capacity) {
    auto memory = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ > 0) std::memcpy(memory.get(), memory_.get(), size_);
    memory_ = std::move(memory);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> memory_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace cairn::link

#endif  // CAIRN_PROTO_LINK_BYTE_BLOCK_H_

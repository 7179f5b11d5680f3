// SpareBuffers: memory of queues that have been written to their end, for the next queues of the
// same loop that need some. An idle connection then needs none, and a busy one does not allocate.
//
// Owner:  one Loop; it outlives the queues.
// Thread: that loop's.
// Bounds: kMostBytes together. Buffers above kLargestBytes are freed.
#ifndef CAIRN_EDGE_SPARE_BUFFERS_H_
#define CAIRN_EDGE_SPARE_BUFFERS_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace cairn::edge {

class SpareBuffers {
 public:
  static constexpr size_t kMostBytes = 2 << 20;
  static constexpr size_t kLargestBytes = 16 << 10;

  // Gives `empty` the memory that was freed last, if there is any. REQUIRES: it has none.
  void Lend(std::string& empty) {
    if (spare_.empty()) return;
    empty.swap(spare_.back());
    spare_.pop_back();
    bytes_ -= CostOf(empty);
  }

  // Empties the string, and takes its memory.
  void TakeBack(std::string& used) {
    // Assigning an empty string would leave it its memory.
    std::string taken;
    taken.swap(used);
    const bool has_memory = taken.capacity() > std::string().capacity();
    if (!has_memory || taken.capacity() > kLargestBytes || bytes_ + CostOf(taken) > kMostBytes)
      return;
    taken.clear();
    bytes_ += CostOf(taken);
    spare_.push_back(std::move(taken));
  }

  // With what it takes to list them.
  size_t bytes() const { return bytes_; }

 private:
  static size_t CostOf(const std::string& buffer) { return buffer.capacity() + sizeof(buffer); }

  std::vector<std::string> spare_;
  size_t bytes_ = 0;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_SPARE_BUFFERS_H_

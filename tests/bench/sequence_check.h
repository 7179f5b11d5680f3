// SequenceCheck: whether the messages of one sender reach one receiver in order and once.
//
// Bounds: a number of missing messages per gap, until they come.
#ifndef CAIRN_TESTS_BENCH_SEQUENCE_CHECK_H_
#define CAIRN_TESTS_BENCH_SEQUENCE_CHECK_H_

#include <cstdint>
#include <set>

namespace cairn::bench {

class SequenceCheck {
 public:
  // Numbers begin at 1 and have no gaps where they are sent.
  void Saw(uint32_t number);

  // Different numbers that came.
  uint64_t received() const { return received_; }
  // Came after a later one.
  uint64_t reordered() const { return reordered_; }
  uint64_t duplicates() const { return duplicates_; }

 private:
  uint32_t next_ = 1;
  std::set<uint32_t> missing_;
  uint64_t received_ = 0;
  uint64_t reordered_ = 0;
  uint64_t duplicates_ = 0;
};

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_SEQUENCE_CHECK_H_

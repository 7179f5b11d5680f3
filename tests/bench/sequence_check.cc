#include "tests/bench/sequence_check.h"

namespace cairn::bench {

void SequenceCheck::Saw(uint32_t number) {
  if (number < next_) {
    if (missing_.erase(number) == 0) {
      ++duplicates_;
      return;
    }
    ++reordered_;
  }
  for (; next_ < number; ++next_) missing_.insert(missing_.end(), next_);
  if (number == next_) ++next_;
  ++received_;
}

}  // namespace cairn::bench

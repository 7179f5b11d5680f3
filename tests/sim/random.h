// Random: a small generator whose numbers are the same everywhere, so that a seed means the same
// run everywhere.
//
// The standard library's distributions are not portable; this is splitmix64 (public domain, Vigna
// 2015).
//
// Thread: none of its own.
#ifndef CAIRN_TESTS_SIM_RANDOM_H_
#define CAIRN_TESTS_SIM_RANDOM_H_

#include <cstdint>

namespace cairn::sim {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // From 0 up to `end`, without it. REQUIRES: end > 0.
  uint64_t Below(uint64_t end) { return Next() % end; }
  // From `first` to `last`, both included.
  int64_t Between(int64_t first, int64_t last) {
    return first + static_cast<int64_t>(Below(static_cast<uint64_t>(last - first + 1)));
  }
  bool Chance(int percent) { return static_cast<int>(Below(100)) < percent; }
  // From `first` to `last`, small ones as often as large ones. REQUIRES: 0 < first.
  int64_t Scaled(int64_t first, int64_t last) {
    int doublings = 0;
    while ((first << (doublings + 1)) <= last) ++doublings;
    const int64_t low = first << Below(static_cast<uint64_t>(doublings) + 1);
    const int64_t value = Between(low, 2 * low);
    return value < last ? value : last;
  }

 private:
  uint64_t state_;
};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_RANDOM_H_

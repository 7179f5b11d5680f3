// Latencies: every sample that was taken, and the percentiles of them.
//
// Bounds: 8 bytes a sample; nothing is rounded into buckets.
#ifndef CAIRN_TESTS_BENCH_LATENCIES_H_
#define CAIRN_TESTS_BENCH_LATENCIES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cairn::bench {

class Latencies {
 public:
  void Add(int64_t nanoseconds) {
    samples_.push_back(nanoseconds);
    sorted_ = false;
  }

  size_t count() const { return samples_.size(); }
  // The smallest sample that `share` (0 to 1) of all samples do not exceed, in microseconds. 0: no
  // samples.
  double PercentileUs(double share);
  double MaxUs() { return PercentileUs(1.0); }

 private:
  std::vector<int64_t> samples_;
  bool sorted_ = false;
};

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_LATENCIES_H_

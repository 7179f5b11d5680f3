// Histogram: counts of values in a few ranges, as Prometheus defines them.
//
// Thread: as Counter.
#ifndef CAIRN_BASE_HISTOGRAM_H_
#define CAIRN_BASE_HISTOGRAM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/counter.h"

namespace cairn {

// A histogram as it was read.
struct HistogramValues {
  std::span<const int64_t> bounds;  // static storage
  std::vector<uint64_t> buckets;    // one more than bounds; not cumulative
  uint64_t sum = 0;

  uint64_t Count() const {
    uint64_t count = 0;
    for (const uint64_t bucket : buckets) count += bucket;
    return count;
  }
  // Adds a histogram with the same bounds. An empty one takes over the other's bounds.
  void Add(const HistogramValues& other) {
    bounds = other.bounds;
    buckets.resize(other.buckets.size());
    for (size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
    sum += other.sum;
  }
};

// `kBounds`: an array of ascending upper bounds, inclusive, of static storage. Values above the
// last bound are counted in an additional bucket.
template <const auto& kBounds>
class Histogram {
 public:
  // REQUIRES: `value` is not negative.
  void Add(int64_t value, uint64_t n = 1) {
    if (value != last_) {
      last_ = value;
      last_bucket_ = 0;
      while (last_bucket_ < kBounds.size() && value > kBounds[last_bucket_]) ++last_bucket_;
    }
    buckets_[last_bucket_].Add(n);
    sum_.Add(static_cast<uint64_t>(value) * n);
  }
  // Not cumulative.
  uint64_t bucket(size_t i) const { return buckets_[i].Get(); }
  uint64_t sum() const { return sum_.Get(); }

  HistogramValues Values() const {
    HistogramValues values{kBounds, {}, sum()};
    for (const Counter& bucket : buckets_) values.buckets.push_back(bucket.Get());
    return values;
  }

 private:
  std::array<Counter, kBounds.size() + 1> buckets_;
  Counter sum_;
  // The writer's: many values of a turn are the same.
  int64_t last_ = -1;
  size_t last_bucket_ = 0;
};

}  // namespace cairn

#endif  // CAIRN_BASE_HISTOGRAM_H_

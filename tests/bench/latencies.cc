#include "tests/bench/latencies.h"

#include <algorithm>
#include <cmath>

namespace cairn::bench {

double Latencies::PercentileUs(double share) {
  if (samples_.empty()) return 0;
  if (!sorted_) std::sort(samples_.begin(), samples_.end());
  sorted_ = true;
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(samples_.size())));
  const size_t index = std::clamp<size_t>(rank, 1, samples_.size()) - 1;
  return static_cast<double>(samples_[index]) / 1000.0;
}

}  // namespace cairn::bench

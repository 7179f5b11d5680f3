// The benchmark's one clock: monotonic nanoseconds, the same for all processes of the machine.
#ifndef CAIRN_TESTS_BENCH_BENCH_CLOCK_H_
#define CAIRN_TESTS_BENCH_BENCH_CLOCK_H_

#include <cstdint>
#include <ctime>

namespace cairn::bench {

inline constexpr int64_t kMicrosecond = 1'000;
inline constexpr int64_t kMillisecond = 1'000'000;
inline constexpr int64_t kSecond = 1'000'000'000;

inline int64_t NowNs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_BENCH_CLOCK_H_

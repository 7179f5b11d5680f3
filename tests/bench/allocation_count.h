// AllocationCount: how often operator new was called, in programs that link allocation_count.cc.
#ifndef CAIRN_TESTS_BENCH_ALLOCATION_COUNT_H_
#define CAIRN_TESTS_BENCH_ALLOCATION_COUNT_H_

#include <benchmark/benchmark.h>

#include <cstdint>

namespace cairn::bench {

// Since the process started, by any thread.
uint64_t AllocationsSoFar();

// Reports time and allocations per message. Made when what is to be set up stands, so that it is
// not counted.
class PerMessage {
 public:
  PerMessage(benchmark::State& state, int64_t messages_per_iteration)
      : state_(state), messages_(messages_per_iteration), before_(AllocationsSoFar()) {}

  ~PerMessage() {
    const auto allocations = static_cast<double>(AllocationsSoFar() - before_);
    const auto messages = static_cast<double>(messages_);
    state_.counters["allocs/msg"] =
        allocations / (static_cast<double>(state_.iterations()) * messages);
    state_.counters["time/msg"] = benchmark::Counter(
        messages, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  }
  PerMessage(const PerMessage&) = delete;
  PerMessage& operator=(const PerMessage&) = delete;

 private:
  benchmark::State& state_;
  const int64_t messages_;
  const uint64_t before_;
};

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_ALLOCATION_COUNT_H_

// What the interest of a whole fleet costs each core: memory of a subscription, and time for one
// that comes or goes while there are a million.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdint>
#include <string>

#include "core/mesh_interest.h"

namespace cairn::bench {
namespace {

constexpr uint32_t kPlace = 1;
// Of two subscribers each.
std::string TopicOf(uint64_t number) { return "topic " + std::to_string(number / 2); }

size_t AllocatedBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// One comes and another goes.
void InterestChange(benchmark::State& state) {
  const auto subscriptions = static_cast<uint64_t>(state.range(0));
  const size_t before = AllocatedBytes();
  core::MeshInterest interest;
  for (uint64_t i = 0; i < subscriptions; ++i)
    interest.Add(core::HashTopic(TopicOf(i)), i, kPlace, i);
  const double bytes = static_cast<double>(AllocatedBytes() - before);
  uint64_t next = subscriptions;
  for (auto _ : state) {
    interest.Add(core::HashTopic(TopicOf(next)), next, kPlace, next);
    const uint64_t gone = next++ - subscriptions;
    benchmark::DoNotOptimize(interest.Remove(core::HashTopic(TopicOf(gone)), gone, kPlace));
  }
  state.counters["bytes_each"] = bytes / static_cast<double>(subscriptions);
}
BENCHMARK(InterestChange)->Arg(1'000'000)->Arg(5'000'000)->Iterations(1'000'000);

}  // namespace
}  // namespace cairn::bench

// Counter, Gauge: figures with one writing thread and any number of readers, as cheap as plain
// integers.
//
// Thread: written by one (or under one lock); read by any, relaxed: figures that are read together
//         may be of slightly different moments.
#ifndef CAIRN_BASE_COUNTER_H_
#define CAIRN_BASE_COUNTER_H_

#include <atomic>
#include <cstdint>

namespace cairn {

class Counter {
 public:
  // There is one writer, so a load and a store suffice: no locked instruction.
  void Add(uint64_t n = 1) { value_.store(Get() + n, std::memory_order_relaxed); }
  uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void Set(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace cairn

#endif  // CAIRN_BASE_COUNTER_H_

// EdgeCounters: what one loop has counted. Written by its thread alone, read by any.
//
// Thread: Add() on the loop; Get() anywhere (relaxed: figures of one moment need not fit together).
#ifndef CAIRN_EDGE_COUNTERS_H_
#define CAIRN_EDGE_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "edge/reasons.h"

namespace cairn::edge {

class Counter {
 public:
  // One writer, so that a load and a store do, without a locked instruction.
  void Add(uint64_t n = 1) { value_.store(Get() + n, std::memory_order_relaxed); }
  uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// How often a span of time fell into each of a few ranges, in the form Prometheus knows.
class Histogram {
 public:
  // Upper bounds in microseconds, ascending; what is above the last is counted in a bucket of its
  // own.
  static constexpr std::array<int64_t, 12> kBoundsUs = {
      50, 100, 250, 500, 1'000, 2'500, 5'000, 10'000, 25'000, 100'000, 500'000, 2'500'000};

  void Add(int64_t us, uint64_t n = 1) {
    size_t bucket = 0;
    while (bucket < kBoundsUs.size() && us > kBoundsUs[bucket]) ++bucket;
    buckets_[bucket].Add(n);
    sum_us_.Add(static_cast<uint64_t>(us) * n);
  }
  // Not cumulative.
  uint64_t bucket(size_t i) const { return buckets_[i].Get(); }
  uint64_t sum_us() const { return sum_us_.Get(); }

 private:
  std::array<Counter, kBoundsUs.size() + 1> buckets_;
  Counter sum_us_;
};

struct EdgeCounters {
  Counter accepted;          // TCP connections
  Counter upgraded;          // WebSocket sessions
  Counter messages_in;       // data messages from clients
  Counter bytes_in;          // their payload bytes
  Counter frames_delivered;  // relays put into a client's queue
  Counter bytes_delivered;   // frame bytes of those
  Counter pings_sent;
  Histogram relay_latency;  // edge in to edge out
  std::array<Counter, kCloseReasonCount> closes;
  std::array<Counter, kDropReasonCount> drops;

  void Count(CloseReason reason) { closes[static_cast<size_t>(reason)].Add(); }
  void Count(DropReason reason) { drops[static_cast<size_t>(reason)].Add(); }
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_COUNTERS_H_

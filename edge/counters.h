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

struct EdgeCounters {
  Counter accepted;          // TCP connections
  Counter upgraded;          // WebSocket sessions
  Counter messages_in;       // data messages from clients
  Counter bytes_in;          // their payload bytes
  Counter frames_delivered;  // relays put into a client's queue
  Counter bytes_delivered;   // frame bytes of those
  std::array<Counter, kCloseReasonCount> closes;
  std::array<Counter, kDropReasonCount> drops;

  void Count(CloseReason reason) { closes[static_cast<size_t>(reason)].Add(); }
  void Count(DropReason reason) { drops[static_cast<size_t>(reason)].Add(); }
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_COUNTERS_H_

// RelayProbe: relays through a core to another lane and back, at a fixed rate, whatever else
// happens there.
//
// Open loop: a relay is due at its time, and its round trip counts from then, so that a stall
// counts for all that were due in it.
//
// Thread: its owner's.
// Errors: complete() is false when a relay did not come back.
#ifndef CAIRN_TESTS_BENCH_RELAY_PROBE_H_
#define CAIRN_TESTS_BENCH_RELAY_PROBE_H_

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "tests/bench/bench_lane.h"
#include "tests/bench/core_process.h"
#include "tests/bench/latencies.h"

namespace cairn::bench {

class RelayProbe {
 public:
  static constexpr size_t kPayloadBytes = 200;
  static constexpr char kTopic[] = "probe";
  static constexpr size_t kSubscriptions = 2;

  // Its subscriptions are on their way then.
  explicit RelayProbe(const CoreProcess& core);

  // Sends for that long, then waits for relays that are still in flight.
  Latencies Run(double rate, double seconds);
  // Of the last Run().
  bool complete() const { return complete_; }
  bool broken() { return near_.broken() || far_.broken(); }

 private:
  void Relay(BenchLane& lane, uint64_t peer, const std::string& payload);
  void OnReturn(const signaling::v1::Delivery& delivery);
  bool AllBack(size_t sent);

  std::mutex mu_;
  // Guarded by mu_.
  Latencies latencies_;
  // Owner's thread only.
  bool complete_ = true;
  BenchLane far_;
  BenchLane near_;
};

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_RELAY_PROBE_H_

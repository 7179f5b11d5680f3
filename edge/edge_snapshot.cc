#include "edge/edge_snapshot.h"

#include <algorithm>

namespace cairn::edge {
namespace {

template <size_t kSize>
void AddAll(const std::array<Counter, kSize>& from, std::array<uint64_t, kSize>& to) {
  for (size_t i = 0; i < kSize; ++i) to[i] += from[i].Get();
}

void AddAll(const TrafficByForm& from, std::array<EdgeSnapshot::Traffic, kMessageFormCount>& to) {
  for (size_t i = 0; i < kMessageFormCount; ++i) {
    to[i].messages += from[i].messages.Get();
    to[i].bytes += from[i].bytes.Get();
  }
}

}  // namespace

void EdgeSnapshot::Add(const EdgeCounters& counters) {
  accepted += counters.accepted.Get();
  upgraded += counters.upgraded.Get();
  AddAll(counters.in, in);
  AddAll(counters.out, out);
  frames_delivered += counters.frames_delivered.Get();
  pings_sent += counters.pings_sent.Get();
  rate_pauses += counters.rate_pauses.Get();
  delivery_pauses += counters.delivery_pauses.Get();
  relay_latency_us.Add(counters.relay_latency.Values());
  AddAll(counters.closes, closes);
  AddAll(counters.refusals, refusals);
  AddAll(counters.drops, drops);
}

void EdgeSnapshot::Add(const EdgeGauges& gauges) {
  connections += gauges.connections.Get();
  sessions += gauges.sessions.Get();
  paused += gauges.paused.Get();
  rate_paused += gauges.rate_paused.Get();
  queued_bytes += gauges.queued_bytes.Get();
  max_queued_bytes = std::max(max_queued_bytes, gauges.max_queued_bytes.Get());
  unread_bytes += gauges.unread_bytes.Get();
  max_seen_lanes = std::max(max_seen_lanes, gauges.seen_lanes.Get());
}

}  // namespace cairn::edge

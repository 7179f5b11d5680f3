// EdgeCounters: the counters of one loop.
//
// Thread: as Counter: written on the loop, read anywhere.
#ifndef CAIRN_EDGE_COUNTERS_H_
#define CAIRN_EDGE_COUNTERS_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "base/counter.h"
#include "base/histogram.h"
#include "edge/reasons.h"

namespace cairn::edge {

// X(enumerator, name): the form of a client's messages. The name is PeerStats.dialect in
// lane.proto, and a metric label.
#define CAIRN_EDGE_MESSAGE_FORMS(X)                    \
  X(kCbor, "cbor")      /* the native messages */      \
  X(kCborV2, "cbor-v2") /* those of cairn.signal.v2 */ \
  X(kJson, "json")      /* those of the client libraries */

enum class MessageForm : uint8_t {
#define X(enumerator, name) enumerator,
  CAIRN_EDGE_MESSAGE_FORMS(X)
#undef X
};
#define X(...) +1
inline constexpr size_t kMessageFormCount = 0 CAIRN_EDGE_MESSAGE_FORMS(X);
#undef X
// Ends with a zero byte.
const char* Name(MessageForm form);

struct TrafficCounters {
  Counter messages;
  Counter bytes;

  void Count(size_t all_bytes, uint64_t n) {
    messages.Add(n);
    bytes.Add(all_bytes);
  }
};
using TrafficByForm = std::array<TrafficCounters, kMessageFormCount>;

inline constexpr std::array<int64_t, 12> kLatencyBoundsUs = {
    50, 100, 250, 500, 1'000, 2'500, 5'000, 10'000, 25'000, 100'000, 500'000, 2'500'000};
using LatencyHistogram = Histogram<kLatencyBoundsUs>;

inline constexpr std::array<int64_t, 10> kBatchBounds = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1'000};
using BatchHistogram = Histogram<kBatchBounds>;

struct EdgeCounters {
  Counter accepted;          // TCP connections
  Counter upgraded;          // WebSocket sessions
  TrafficByForm in;          // data messages from clients, and their payload bytes
  TrafficByForm out;         // data messages queued for clients, and their frame bytes
  Counter frames_delivered;  // relays among `out`
  Counter pings_sent;
  Counter rate_pauses;             // pauses of reading a connection: --rate-messages
  Counter delivery_pauses;         // the same: --rate-deliveries
  LatencyHistogram relay_latency;  // from receipt by the edge to delivery
  std::array<Counter, kCloseReasonCount> closes;
  std::array<Counter, kCloseReasonCount> refusals;  // of the closes, those without a session
  std::array<Counter, kDropReasonCount> drops;

  void Count(CloseReason reason) { closes[static_cast<size_t>(reason)].Add(); }
  void CountRefusal(CloseReason reason) { refusals[static_cast<size_t>(reason)].Add(); }
  void Count(DropReason reason) { drops[static_cast<size_t>(reason)].Add(); }
  void CountIn(MessageForm form, size_t bytes) { in[static_cast<size_t>(form)].Count(bytes, 1); }
  // `bytes`: of all `n` together.
  void CountOut(MessageForm form, size_t bytes, uint64_t n = 1) {
    out[static_cast<size_t>(form)].Count(bytes, n);
  }

  uint64_t messages_in() const {
    uint64_t sum = 0;
    for (const TrafficCounters& form : in) sum += form.messages.Get();
    return sum;
  }
};

// The state of a loop, set on its tick.
struct EdgeGauges {
  Gauge connections;       // including those in their handshake and those being closed
  Gauge sessions;          // upgraded
  Gauge paused;            // not read, because the core does not keep up
  Gauge rate_paused;       // not read, because of its message rate
  Gauge queued_bytes;      // not read by clients yet
  Gauge max_queued_bytes;  // the maximum of one client
  Gauge unread_bytes;      // sent by the core and not read by the loop
  Gauge seen_lanes;        // lanes whose relays the lane keeps track of
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_COUNTERS_H_

// EdgeLimits: every bound of an edge, with its default.
//
// Units:  bytes and durations as named; "per connection" unless it says otherwise.
// Errors: Validate() names the option that cannot stand, and what would.
#ifndef CAIRN_EDGE_LIMITS_H_
#define CAIRN_EDGE_LIMITS_H_

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstddef>

namespace cairn::edge {

struct EdgeLimits {
  // --max-message-bytes: one WebSocket message, all fragments together. Broken: close 1009.
  size_t max_message_bytes = 64 << 10;
  // --max-topics: subscriptions at a time. Broken: close 1008.
  size_t max_topics = 1024;
  // --max-topic-bytes: one topic. Broken: close 1008.
  size_t max_topic_bytes = 1024;
  // --max-connections, of the whole edge: those whose upgrade is done. Broken: close 1013.
  size_t max_connections = 100'000;
  // --max-connections-per-ip, of the whole edge; 0: no limit, since a proxy is one address. Broken:
  // close 1013.
  size_t max_connections_per_ip = 0;
  // --max-handshakes, of the whole edge, shared out evenly among its loops: connections whose
  // upgrade is not done. Broken: the oldest is closed.
  size_t max_handshakes = 4096;
  // --max-queued-bytes: frames the client has not taken yet. Broken: close 1013.
  size_t max_queued_bytes = 1 << 20;
  // --max-queued-total, of the whole edge, shared out evenly among its loops: the memory of all
  // those queues, and of what is read but not handled yet. Broken: the longest of the loop is
  // closed with 1013. 0: a quarter of the memory that the process may have.
  size_t max_queued_total = 0;
  // --rate-messages: of a connection, on average; 0: no limit. Broken: it is not read for a while.
  size_t rate_messages = 200;
  // What it may say at once after having been quiet, for each message a second on average.
  size_t rate_burst_factor = 10;
  // --rate-deliveries: so often a second, on average, what a connection says is handed to others
  // (edge/work.h); 0: no limit. Broken: it is not read for a while.
  size_t rate_deliveries = 20'000;
  // At once after having been quiet, for each a second on average.
  size_t deliveries_burst_factor = 2;
  // --max-backlog-bytes, of one lane: what the core has not taken (proto/link/cost.h). Full:
  // clients are not read.
  size_t max_backlog_bytes = 16 << 20;
  // Of one lane: relays that the core has taken and some other lane may not have yet. More than
  // what a core keeps for one lane (CoreLimits::max_lane_queued_bytes), so that one that does not
  // answer is given up first. Full: clients are not read.
  size_t max_open_bytes = 64 << 20;
  // --dialects: whether text messages are JSON messages, or are dropped as the reference does.
  bool json_dialects = true;
  // --record-ttl: how long what a JSON client published is kept.
  absl::Duration record_ttl = absl::Hours(1);
  // --query-hold: how long a JSON query waits for the first record of its topic before it is
  // answered empty.
  absl::Duration query_hold = absl::Seconds(1);
  // Queries of one connection that wait; one more is answered empty at once.
  size_t max_held_queries = 64;
  // Records that a lane would have to say again to a restarted core; beyond it the oldest are not.
  size_t max_record_cache_bytes = 16 << 20;
  // Request line and headers of the upgrade. Broken: HTTP 431.
  size_t max_request_head_bytes = 64 << 10;
  // Connections being refused because the edge is full; beyond it they are closed without an
  // answer.
  size_t max_refusals = 256;
  // --handshake-timeout: from accept to the end of the upgrade. Broken: HTTP 408 or, inside TLS,
  // just closed.
  absl::Duration handshake_timeout = absl::Seconds(10);
  // --ping-interval: of our pings. A peer that has ponged before and misses one is closed with
  // 1011.
  absl::Duration ping_interval = absl::Seconds(25);
  // From our Close frame to the end of the TCP connection.
  absl::Duration close_timeout = absl::Seconds(2);
  // Data the peer's kernel does not acknowledge for so long ends the connection (TCP_USER_TIMEOUT).
  absl::Duration tcp_user_timeout = absl::Seconds(30);

  absl::Status Validate() const;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LIMITS_H_

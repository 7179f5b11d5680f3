// EdgeLimits: every bound of an edge, with its default.
//
// Units:  bytes and durations as named; "per connection" unless it says otherwise.
// Errors: Validate() names the option that is invalid, and what is valid.
#ifndef CAIRN_EDGE_LIMITS_H_
#define CAIRN_EDGE_LIMITS_H_

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstddef>

namespace cairn::edge {

struct EdgeLimits {
  // --max-message-bytes: one WebSocket message, all fragments together. Exceeded: close 1009.
  size_t max_message_bytes = 64 << 10;
  // --max-topics: subscriptions at a time. Exceeded: close 1008.
  size_t max_topics = 1024;
  // --max-topic-bytes: one topic. Exceeded: close 1008.
  size_t max_topic_bytes = 1024;
  // --max-connections, of the whole edge: connections whose upgrade is done. Exceeded: close 1013.
  size_t max_connections = 100'000;
  // --max-connections-per-ip, of the whole edge; 0: no limit, since a proxy is one address. IPv6:
  // of a /64, which one person may have.
  // Exceeded: close 1013.
  size_t max_connections_per_ip = 0;
  // --max-handshakes, of the whole edge, divided evenly between its loops: connections whose
  // upgrade is not done. Exceeded: the oldest is closed.
  size_t max_handshakes = 4096;
  // --max-queued-bytes: frames that the client has not read yet. Exceeded: close 1013.
  size_t max_queued_bytes = 1 << 20;
  // --max-queued-total, of the whole edge, divided evenly between its loops: the memory of all
  // those queues, of messages that have not come whole, and of data read but not handled yet.
  // Exceeded: the connection of the loop that has the most is closed with 1013. 0: a quarter of the
  // memory that the process may use.
  size_t max_queued_total = 0;
  // --rate-messages: the average rate of a connection; 0: no limit. Exceeded: reading pauses.
  size_t rate_messages = 200;
  // The burst after a quiet time, for each message a second of the average rate.
  size_t rate_burst_factor = 10;
  // --rate-deliveries: the average number of deliveries a second that a connection may cause
  // (edge/work.h); 0: no limit. Exceeded: reading pauses.
  size_t rate_deliveries = 20'000;
  // The burst after a quiet time, for each delivery a second of the average rate.
  size_t deliveries_burst_factor = 2;
  // --max-backlog-bytes, of one lane: data that the core has not accepted (proto/link/cost.h).
  // Full: clients are not read.
  size_t max_backlog_bytes = 16 << 20;
  // Of one lane: relays that the core has accepted but some other lane may not have yet. More than
  // a core keeps for one lane (CoreLimits::max_lane_queued_bytes), so that a lane that does not
  // answer is given up first. Full: clients are not read.
  size_t max_open_bytes = 64 << 20;
  // --dialects: whether text messages are JSON messages, or are dropped, as the reference does.
  bool json_dialects = true;
  // --record-ttl: how long a record published by a JSON client is kept.
  absl::Duration record_ttl = absl::Hours(1);
  // --query-hold: how long a JSON query waits for the first record of its topic before it gets an
  // empty answer.
  absl::Duration query_hold = absl::Seconds(1);
  // Waiting queries of one connection; a further one gets an empty answer at once.
  size_t max_held_queries = 64;
  // Records that a lane keeps to publish again to a restarted core; above it the oldest are
  // dropped.
  size_t max_record_cache_bytes = 16 << 20;
  // The request line and headers of the upgrade. Exceeded: HTTP 431.
  size_t max_request_head_bytes = 64 << 10;
  // Connections that are being refused because the edge is full; further ones are closed without an
  // answer.
  size_t max_refusals = 256;
  // --handshake-timeout: from accept to the end of the upgrade. Exceeded: HTTP 408, or during the
  // TLS handshake a close without an answer.
  absl::Duration handshake_timeout = absl::Seconds(10);
  // --ping-interval: the interval of our pings. A client that has answered a ping before and misses
  // one is closed with 1011.
  absl::Duration ping_interval = absl::Seconds(25);
  // From our Close frame to the end of the TCP connection.
  absl::Duration close_timeout = absl::Seconds(2);
  // If the client's kernel does not acknowledge data for that long, the connection ends
  // (TCP_USER_TIMEOUT).
  absl::Duration tcp_user_timeout = absl::Seconds(30);

  absl::Status Validate() const;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LIMITS_H_

#include "edge/limits.h"

#include <absl/strings/str_cat.h>

namespace cairn::edge {
namespace {

// The frame header, and the CBOR around topic and payload.
constexpr size_t kFrameOverhead = 64;

absl::Status InRange(const char* option, size_t value, size_t low, size_t high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(option, " ", value, " is out of range: give ", low, " to ", high));
}

}  // namespace

absl::Status EdgeLimits::Validate() const {
  const struct {
    const char* option;
    size_t value, low, high;
  } ranges[] = {
      {"--max-message-bytes", max_message_bytes, 64, 64 << 20},
      {"--max-topics", max_topics, 1, 1'000'000},
      {"--max-topic-bytes", max_topic_bytes, 1, 64 << 10},
      {"--max-connections", max_connections, 1, 10'000'000},
      {"--max-handshakes", max_handshakes, 1, 1'000'000},
      {"--max-queued-bytes", max_queued_bytes, 1024, size_t{1} << 30},
      {"--rate-messages", rate_messages, 0, 1'000'000},
      {"--rate-deliveries", rate_deliveries, 0, 100'000'000},
      {"--max-backlog-bytes", max_backlog_bytes, 64 << 10, size_t{4} << 30},
  };
  for (const auto& range : ranges) {
    if (absl::Status s = InRange(range.option, range.value, range.low, range.high); !s.ok())
      return s;
  }
  if (max_queued_bytes < max_message_bytes + max_topic_bytes + kFrameOverhead) {
    return absl::InvalidArgumentError(
        absl::StrCat("--max-queued-bytes ", max_queued_bytes,
                     " cannot hold one message of --max-message-bytes ", max_message_bytes,
                     ": give at least ", max_message_bytes + max_topic_bytes + kFrameOverhead));
  }
  if (max_queued_total > 0 && max_queued_total < max_queued_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("--max-queued-total ", max_queued_total,
                     " is less than --max-queued-bytes of one connection, ", max_queued_bytes));
  }
  if (record_ttl <= absl::ZeroDuration() || record_ttl > absl::Hours(25)) {
    return absl::InvalidArgumentError("--record-ttl is out of range: give a time up to 25h");
  }
  if (query_hold > absl::Seconds(4)) {
    return absl::InvalidArgumentError(
        "--query-hold is out of range: clients give up after 5s; give at most 4s");
  }
  if (handshake_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("--handshake-timeout is out of range: give more than 0s");
  }
  if (ping_interval < absl::Milliseconds(100))
    return absl::InvalidArgumentError("--ping-interval is out of range: give at least 100ms");
  return absl::OkStatus();
}

}  // namespace cairn::edge

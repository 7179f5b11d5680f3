// CoreLimits: every bound of a core, with its default.
//
// Units:  costs are those of proto/link/cost.h.
#ifndef CAIRN_CORE_LIMITS_H_
#define CAIRN_CORE_LIMITS_H_

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>

#include "proto/link/timing.h"

namespace cairn::core {

struct CoreLimits {
  // --lane-timeout: a lane that has not answered for that long is given up, with or without a
  // stream.
  absl::Duration lane_timeout = absl::FromChrono(link::kDefaultLaneTimeout);
  // The cost of data that a lane has not acknowledged. Exceeded: the lane is given up. Less than
  // what an edge keeps of its sent data (EdgeLimits::max_open_bytes), so that one lane does not
  // block others.
  size_t max_lane_queued_bytes = 32 << 20;
  // One message of a lane that comes in parts.
  size_t max_whole_bytes = 80 << 20;
  // The cost of the relays of one lane that are held while a restarted core waits for others. Full:
  // the lane is not read.
  size_t max_held_bytes_per_lane = 4 << 20;
  // The cost of the relays kept for lanes that a restarted core stopped waiting for. Full: those
  // lanes are late.
  size_t max_late_bytes = 32 << 20;
  // The events and deliveries handled for one input, large ones weighted by
  // Turn::kBytesPerDelivery; the rest of a batch waits for the next turn of its lane. About 3 ms.
  uint64_t work_per_turn = 8192;
  // Lanes that were given up and may reconnect, whose secrets the core remembers.
  size_t max_tombstones = 16'384;

  // ---- limits of an edge's input (core/lane_rules.h). Exceeded: LaneRefusal.
  // Lanes at a time, in total and of one Hello.edge: a further lane is refused. An edge has at most
  // 256, and twice as many while it is restarted; edges with the same name share this.
  size_t max_lanes = 16'384;
  size_t max_lanes_per_edge = 4'096;
  // Lanes named by a Hello; the lanes that a core waits for.
  size_t max_roster_lanes = 65'536;
  // The memory for the peers and subscriptions of all lanes with one Hello.edge, as
  // core/edge_share.h measures it. The composition sets it to a quarter of the memory limit.
  size_t max_presence_bytes_per_edge = size_t{1} << 30;
  // The cost of unacknowledged data of all lanes, and of received parts: above it the lane with the
  // most is given up. The composition sets it to a quarter of the memory limit.
  size_t max_queued_bytes_of_lanes = size_t{1} << 30;
  // The cost of relays that other cores have not settled, all together: above it the core with the
  // most is given up. The composition sets it to a quarter of the memory limit.
  size_t max_open_bytes_of_cores = size_t{1} << 30;
  // A topic: the highest --max-topic-bytes.
  size_t max_topic_bytes = 64 << 10;
  // A payload: the highest --max-message-bytes.
  size_t max_payload_bytes = 64 << 20;
  // Names: of an edge, a User-Agent, a close reason, an announced peer id.
  size_t max_name_bytes = 256;
  // An address, a version, a dialect, a counter's name.
  size_t max_word_bytes = 64;
  // Addresses of a record, as proto/wire/json_message.h has them.
  size_t max_addresses = 64;
  size_t max_address_bytes = 8192;
  // Fields of a message: an edge's has some 3,000 events at most (link::kMaxMessageBytes of cost).
  size_t max_fields = 8'192;
  // Counters of each kind in LaneStats.
  size_t max_counts = 64;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LIMITS_H_

#include "core/lane_rules.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "proto/link/identity.h"
#include "proto/link/protocol_version.h"

namespace cairn::core {

using signaling::v1::Hello;
using signaling::v1::LaneEvent;
using signaling::v1::LaneStats;
using signaling::v1::LaneToCore;
using signaling::v1::NamedCount;
using signaling::v1::PeerInfo;
using signaling::v1::Record;

namespace {

std::optional<LaneRefusal> Unless(bool allowed, LaneRefusal reason) {
  return allowed ? std::nullopt : std::optional(reason);
}

bool Fits(const PeerInfo& info, const CoreLimits& limits) {
  return info.remote_address().size() <= limits.max_word_bytes &&
         info.user_agent().size() <= limits.max_name_bytes &&
         info.tls_version().size() <= limits.max_word_bytes;
}

bool Fits(const Record& record, const CoreLimits& limits) {
  return record.peer_id().size() <= limits.max_name_bytes &&
         record.blob().size() <= limits.max_payload_bytes &&
         static_cast<size_t>(record.addresses_size()) <= limits.max_addresses &&
         std::all_of(
             record.addresses().begin(), record.addresses().end(),
             [&](const std::string& one) { return one.size() <= limits.max_address_bytes; });
}

bool Fits(const google::protobuf::RepeatedPtrField<NamedCount>& counts, const CoreLimits& limits) {
  return static_cast<size_t>(counts.size()) <= limits.max_counts &&
         std::all_of(counts.begin(), counts.end(), [&](const NamedCount& one) {
           return one.name().size() <= limits.max_word_bytes;
         });
}

}  // namespace

std::optional<LaneRefusal> WhyRefused(const LaneToCore& first, const CoreLimits& limits) {
  const Hello& hello = first.hello();
  const auto lanes = static_cast<size_t>(hello.roster().lanes_size()) +
                     static_cast<size_t>(hello.roster().awaited_size());
  const bool alone = first.events_size() == 0 && first.part().empty() && !first.has_stats();
  const bool fits = !hello.edge().empty() && hello.edge().size() <= limits.max_name_bytes &&
                    hello.version().size() <= limits.max_word_bytes &&
                    hello.secret().size() == link::kSecretBytes && lanes <= limits.max_roster_lanes;
  return Unless(
      hello.protocol_version() == link::kProtocolVersion && hello.lane_id() != 0 && alone && fits,
      LaneRefusal::kHello);
}

std::optional<LaneRefusal> WhyRefused(const LaneEvent& event, const CoreLimits& limits) {
  const bool fits =
      event.topic().size() <= limits.max_topic_bytes &&
      event.payload().size() <= limits.max_payload_bytes &&
      event.close_reason().size() <= limits.max_name_bytes &&
      (!event.has_info() || Fits(event.info(), limits)) &&
      (!event.has_stats() || event.stats().dialect().size() <= limits.max_word_bytes) &&
      (!event.has_record() || Fits(event.record(), limits));
  return Unless(fits, LaneRefusal::kTooLong);
}

std::optional<LaneRefusal> WhyRefused(const LaneStats& stats, const CoreLimits& limits) {
  return Unless(Fits(stats.closes(), limits) && Fits(stats.drops(), limits), LaneRefusal::kTooLong);
}

bool ProvesLane(const Hello& hello) {
  return hello.secret().size() == link::kSecretBytes &&
         link::LaneIdOf(hello.secret()) == hello.lane_id();
}

}  // namespace cairn::core

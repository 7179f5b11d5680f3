#include "core/totals.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/peer_id.h"

namespace cairn::core {

using signaling::v1::EdgeInfo;
using signaling::v1::GetStatusResponse;
using signaling::v1::ListEdgesResponse;
using signaling::v1::NamedCount;

namespace {

using Counts = std::map<std::string, uint64_t>;

void Add(const google::protobuf::RepeatedPtrField<NamedCount>& from, Counts& to) {
  for (const NamedCount& count : from) to[count.name()] += count.count();
}

template <typename Repeated>
void Fill(const Counts& from, Repeated* to) {
  for (const auto& [name, count] : from) {
    auto* entry = to->Add();
    entry->set_reason(name);
    entry->set_count(count);
  }
}

// The earlier of two expiry times, where 0 means none.
int64_t Earliest(int64_t a, int64_t b) { return a == 0 ? b : b == 0 ? a : std::min(a, b); }

}  // namespace

void DescribeStatus(const Router& router, GetStatusResponse& out) {
  const Directory& directory = router.directory();
  out.set_core_id(FormatId(router.core_id()));
  out.set_started_us(router.started_us());
  out.set_peers(directory.peer_ids().size());
  out.set_topics(directory.topics().size());
  out.set_subscriptions(directory.subscription_count());
  out.set_lanes(static_cast<uint32_t>(directory.lanes().size()));
  out.set_relays(router.counters().relays);
  out.set_relays_unheard(router.counters().relays_unheard);
  out.set_deliveries(router.counters().deliveries);
  out.set_peers_opened(directory.peers_opened());
  out.set_peers_closed(directory.peers_closed());
  out.set_relays_per_second(router.relays_per_second());
  out.set_records(router.records().size());
  out.set_record_bytes(router.records().bytes());
  out.set_held_queries(router.held_queries());
  if (const Mesh* mesh = router.mesh()) {
    out.set_cores(static_cast<uint32_t>(mesh->members().size()) + 1);
    out.set_draining(router.lanes().draining());
    out.set_fleet_topics(mesh->interest().topics());
  }
  absl::flat_hash_set<std::string> edges, split;
  Counts closes, drops;
  for (const auto& [id, lane] : directory.lanes()) {
    edges.insert(lane->edge);
    if (lane->stats.other_cores() > 0) split.insert(lane->edge);
    Add(lane->stats.closes(), closes);
    Add(lane->stats.drops(), drops);
    out.set_tls_not_after_us(Earliest(out.tls_not_after_us(), lane->tls_not_after_us));
  }
  out.set_edges(static_cast<uint32_t>(edges.size()));
  out.set_split_edges(static_cast<uint32_t>(split.size()));
  Fill(closes, out.mutable_closes());
  for (size_t i = 0; i < kRecordEndCount; ++i) {
    const auto reason = static_cast<RecordEnd>(i);
    if (router.records().ended(reason) > 0)
      drops[std::string(Name(reason))] = router.records().ended(reason);
  }
  Fill(drops, out.mutable_drops());
}

void DescribeEdges(const Router& router, ListEdgesResponse& out) {
  struct Sum {
    EdgeInfo info;
    Counts closes, drops;
  };
  std::map<std::string, Sum> edges;
  for (const auto& [id, lane] : router.directory().lanes()) {
    Sum& sum = edges[lane->edge];
    EdgeInfo& info = sum.info;
    info.set_edge(lane->edge);
    info.set_version(lane->version);
    info.set_lanes(info.lanes() + 1);
    info.set_peers(info.peers() + lane->peers.size());
    info.set_connected_since_us(Earliest(info.connected_since_us(), lane->connected_since_us));
    info.set_draining(info.draining() || lane->stats.draining());
    info.set_messages_in(info.messages_in() + lane->stats.messages_in());
    info.set_frames_delivered(info.frames_delivered() + lane->stats.frames_delivered());
    info.set_backlog_bytes(info.backlog_bytes() + lane->stats.backlog_bytes());
    info.set_tls_not_after_us(Earliest(info.tls_not_after_us(), lane->tls_not_after_us));
    info.set_other_cores(std::max(info.other_cores(), lane->stats.other_cores()));
    Add(lane->stats.closes(), sum.closes);
    Add(lane->stats.drops(), sum.drops);
  }
  for (auto& [name, sum] : edges) {
    Fill(sum.closes, sum.info.mutable_closes());
    Fill(sum.drops, sum.info.mutable_drops());
    *out.add_edges() = std::move(sum.info);
  }
}

}  // namespace cairn::core

#include "admin-cli/rpc/fleet_merge.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

namespace cairn::admin {
namespace {

// The same bound as a single core's (admin.proto).
constexpr int kMaxTopicPeers = 1000;
// Pruning each time that one is added would be slow.
constexpr size_t kPruneSlack = 128;

using Reasons = google::protobuf::RepeatedPtrField<v1::ReasonCount>;

void AddReasons(const Reasons& from, Reasons* to) {
  std::map<std::string, uint64_t> sum;
  for (const auto* part : {&from, static_cast<const Reasons*>(to)}) {
    for (const v1::ReasonCount& one : *part) sum[one.reason()] += one.count();
  }
  to->Clear();
  for (const auto& [reason, count] : sum) {
    v1::ReasonCount& one = *to->Add();
    one.set_reason(reason);
    one.set_count(count);
  }
}

// Of times and ages, where 0 means none.
int64_t Earliest(int64_t a, int64_t b) { return a == 0 ? b : b == 0 ? a : std::min(a, b); }

std::string Joined(const std::set<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : ", ") + text;
  return joined;
}

void AddStatus(const v1::GetStatusResponse& part, v1::GetStatusResponse& into) {
  into.set_started_us(Earliest(into.started_us(), part.started_us()));
  into.set_peers(into.peers() + part.peers());
  into.set_topics(into.topics() + part.topics());
  into.set_fleet_topics(std::max(into.fleet_topics(), part.fleet_topics()));
  into.set_subscriptions(into.subscriptions() + part.subscriptions());
  into.set_edges(into.edges() + part.edges());
  into.set_lanes(into.lanes() + part.lanes());
  into.set_relays(into.relays() + part.relays());
  into.set_relays_unheard(into.relays_unheard() + part.relays_unheard());
  into.set_deliveries(into.deliveries() + part.deliveries());
  into.set_peers_opened(into.peers_opened() + part.peers_opened());
  into.set_peers_closed(into.peers_closed() + part.peers_closed());
  into.set_resident_bytes(into.resident_bytes() + part.resident_bytes());
  into.set_relays_per_second(into.relays_per_second() + part.relays_per_second());
  into.set_tls_not_after_us(Earliest(into.tls_not_after_us(), part.tls_not_after_us()));
  into.set_records(into.records() + part.records());
  into.set_record_bytes(into.record_bytes() + part.record_bytes());
  into.set_held_queries(into.held_queries() + part.held_queries());
  into.set_split_edges(into.split_edges() + part.split_edges());
  AddReasons(part.closes(), into.mutable_closes());
  AddReasons(part.drops(), into.mutable_drops());
}

void AddEdge(const v1::EdgeInfo& part, v1::EdgeInfo& into) {
  into.set_lanes(into.lanes() + part.lanes());
  into.set_peers(into.peers() + part.peers());
  into.set_connected_since_us(Earliest(into.connected_since_us(), part.connected_since_us()));
  into.set_draining(into.draining() || part.draining());
  into.set_messages_in(into.messages_in() + part.messages_in());
  into.set_frames_delivered(into.frames_delivered() + part.frames_delivered());
  into.set_backlog_bytes(into.backlog_bytes() + part.backlog_bytes());
  into.set_tls_not_after_us(Earliest(into.tls_not_after_us(), part.tls_not_after_us()));
  into.set_other_cores(std::max(into.other_cores(), part.other_cores()));
  AddReasons(part.closes(), into.mutable_closes());
  AddReasons(part.drops(), into.mutable_drops());
}

int64_t KeyOf(const v1::Peer& peer, v1::ListPeersRequest::Sort sort) {
  using Request = v1::ListPeersRequest;
  switch (sort) {
    case Request::SORT_CONNECTED_SINCE:
      return peer.connected_since_us();
    case Request::SORT_LAST_ACTIVITY:
      return peer.last_activity_us();
    case Request::SORT_MESSAGES_IN:
      return static_cast<int64_t>(peer.messages_in());
    case Request::SORT_BYTES_IN:
      return static_cast<int64_t>(peer.bytes_in());
    case Request::SORT_BYTES_OUT:
      return static_cast<int64_t>(peer.bytes_out());
    case Request::SORT_QUEUED_BYTES:
      return static_cast<int64_t>(peer.queued_bytes());
    case Request::SORT_RTT:
      return peer.rtt_us();
    default:
      return 0;
  }
}

double KeyOf(const v1::Topic& topic, v1::ListTopicsRequest::Sort sort) {
  using Request = v1::ListTopicsRequest;
  switch (sort) {
    case Request::SORT_SUBSCRIBERS:
      return static_cast<double>(topic.subscribers());
    case Request::SORT_RATE:
      return topic.relays_per_second();
    case Request::SORT_RELAYS:
      return static_cast<double>(topic.relays());
    default:
      return 0;
  }
}

}  // namespace

v1::GetStatusResponse Merged(const std::vector<v1::GetStatusResponse>& parts) {
  if (parts.size() == 1) return parts.front();
  v1::GetStatusResponse sum;
  std::set<std::string> versions;
  for (const v1::GetStatusResponse& part : parts) {
    versions.insert(part.version());
    AddStatus(part, sum);
  }
  sum.set_core_id(parts.front().core_id());
  sum.set_cores(parts.front().cores());
  sum.set_version(Joined(versions));
  if (sum.fleet_topics() > 0) sum.set_topics(sum.fleet_topics());
  return sum;
}

v1::ListEdgesResponse Merged(const std::vector<v1::ListEdgesResponse>& parts) {
  std::map<std::string, v1::EdgeInfo> edges;
  for (const v1::ListEdgesResponse& part : parts) {
    for (const v1::EdgeInfo& edge : part.edges()) {
      const auto [known, added] = edges.try_emplace(edge.edge(), edge);
      if (!added) AddEdge(edge, known->second);
    }
  }
  v1::ListEdgesResponse merged;
  for (auto& [name, edge] : edges) *merged.add_edges() = std::move(edge);
  return merged;
}

void MergeTopic(const v1::Topic& part, v1::Topic& into) {
  into.set_subscribers(into.subscribers() + part.subscribers());
  into.set_lanes(into.lanes() + part.lanes());
  into.set_relays(into.relays() + part.relays());
  into.set_bytes(into.bytes() + part.bytes());
  into.set_relays_per_second(into.relays_per_second() + part.relays_per_second());
  into.set_created_us(Earliest(into.created_us(), part.created_us()));
  into.set_last_relay_us(std::max(into.last_relay_us(), part.last_relay_us()));
  for (const std::string& peer : part.peers()) {
    if (into.peers_size() < kMaxTopicPeers) into.add_peers(peer);
  }
  std::sort(into.mutable_peers()->begin(), into.mutable_peers()->end());
  if (part.records() == 0) return;
  into.set_newest_record_age_us(
      into.records() == 0 ? part.newest_record_age_us()
                          : std::min(into.newest_record_age_us(), part.newest_record_age_us()));
  into.set_oldest_record_age_us(std::max(into.oldest_record_age_us(), part.oldest_record_age_us()));
  into.set_records(into.records() + part.records());
}

v1::Topic Merged(const std::vector<v1::Topic>& parts) {
  v1::Topic sum = parts.front();
  for (size_t i = 1; i < parts.size(); ++i) MergeTopic(parts[i], sum);
  return sum;
}

v1::DisconnectResponse Merged(const std::vector<v1::DisconnectResponse>& parts) {
  v1::DisconnectResponse sum;
  for (const auto& part : parts) sum.set_disconnected(sum.disconnected() + part.disconnected());
  return sum;
}

v1::DrainEdgeResponse Merged(const std::vector<v1::DrainEdgeResponse>& parts) {
  v1::DrainEdgeResponse sum;
  for (const auto& part : parts) sum.set_peers(sum.peers() + part.peers());
  return sum;
}

v1::SetLogLevelResponse Merged(const std::vector<v1::SetLogLevelResponse>& parts) {
  return parts.front();
}

v1::Peer Merged(const std::vector<v1::Peer>& parts) {
  return *std::min_element(parts.begin(), parts.end(), [](const v1::Peer& a, const v1::Peer& b) {
    if ((a.closed_us() == 0) != (b.closed_us() == 0)) return a.closed_us() == 0;
    return a.closed_us() > b.closed_us();
  });
}

bool ComesBefore(const v1::ListPeersRequest& request, const v1::Peer& a, const v1::Peer& b) {
  if (request.closed()) return a.closed_us() > b.closed_us();
  const std::pair one(KeyOf(a, request.sort()), a.id()), other(KeyOf(b, request.sort()), b.id());
  return request.descending() ? one > other : one < other;
}

bool ComesBefore(const v1::ListTopicsRequest& request, const v1::Topic& a, const v1::Topic& b) {
  const double one = KeyOf(a, request.sort()), other = KeyOf(b, request.sort());
  if (one != other) return request.descending() ? one > other : one < other;
  const bool by_name = request.sort() == v1::ListTopicsRequest::SORT_NAME;
  return by_name && request.descending() ? a.name() > b.name() : a.name() < b.name();
}

void SortFirst(const v1::ListTopicsRequest& request, std::vector<v1::Topic>& topics) {
  std::sort(topics.begin(), topics.end(),
            [&](const v1::Topic& a, const v1::Topic& b) { return ComesBefore(request, a, b); });
  if (request.limit() > 0 && topics.size() > request.limit()) topics.resize(request.limit());
}

void Prune(const v1::ListTopicsRequest& request, std::vector<v1::Topic>& topics) {
  const size_t limit = request.limit();
  if (limit == 0 || topics.size() < 2 * limit + kPruneSlack) return;
  std::nth_element(
      topics.begin(), topics.begin() + static_cast<ptrdiff_t>(limit), topics.end(),
      [&](const v1::Topic& a, const v1::Topic& b) { return ComesBefore(request, a, b); });
  topics.resize(limit);
}

}  // namespace cairn::admin

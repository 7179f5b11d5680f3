#include "core/inspector.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <absl/strings/match.h>

#include <algorithm>
#include <map>

#include "base/peer_id.h"

namespace cairn::core {

using signaling::v1::EdgeInfo;
using signaling::v1::GetStatusResponse;
using signaling::v1::ListEdgesResponse;
using signaling::v1::ListPeersRequest;
using signaling::v1::ListPeersResponse;
using signaling::v1::ListTopicsRequest;
using signaling::v1::ListTopicsResponse;
using signaling::v1::NamedCount;
using signaling::v1::PeerFilter;
using signaling::v1::PeerInfo;
using signaling::v1::PeerStats;

namespace {

void DescribeFacts(const PeerInfo& info, const PeerStats& stats, signaling::v1::Peer& out) {
  out.set_remote_address(info.remote_address());
  out.set_user_agent(info.user_agent());
  out.set_tls_version(info.tls_version());
  out.set_connected_since_us(info.connected_since_us());
  out.set_dialect(stats.dialect());
  out.set_last_activity_us(stats.last_activity_us());
  out.set_rtt_us(stats.rtt_us());
  out.set_messages_in(stats.messages_in());
  out.set_messages_out(stats.messages_out());
  out.set_bytes_in(stats.bytes_in());
  out.set_bytes_out(stats.bytes_out());
  out.set_queued_bytes(stats.queued_bytes());
}

int64_t KeyOf(const PeerRecord& peer, ListPeersRequest::Sort sort) {
  switch (sort) {
    case ListPeersRequest::SORT_CONNECTED_SINCE:
      return peer.info.connected_since_us();
    case ListPeersRequest::SORT_LAST_ACTIVITY:
      return peer.stats.last_activity_us();
    case ListPeersRequest::SORT_MESSAGES_IN:
      return static_cast<int64_t>(peer.stats.messages_in());
    case ListPeersRequest::SORT_BYTES_IN:
      return static_cast<int64_t>(peer.stats.bytes_in());
    case ListPeersRequest::SORT_BYTES_OUT:
      return static_cast<int64_t>(peer.stats.bytes_out());
    case ListPeersRequest::SORT_QUEUED_BYTES:
      return static_cast<int64_t>(peer.stats.queued_bytes());
    case ListPeersRequest::SORT_RTT:
      return peer.stats.rtt_us();
    default:
      return 0;
  }
}

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

// The whole filter except the topic, which closed peers do not have.
bool FactsFit(const PeerFilter& filter, const std::string& edge, const PeerInfo& info,
              const PeerStats& stats) {
  if (!filter.edge().empty() && filter.edge() != edge) return false;
  if (!filter.dialect().empty() && filter.dialect() != stats.dialect()) return false;
  if (filter.connected_after_us() != 0 && info.connected_since_us() < filter.connected_after_us())
    return false;
  if (filter.connected_before_us() != 0 &&
      info.connected_since_us() >= filter.connected_before_us())
    return false;
  return info.remote_address().compare(0, filter.address_prefix().size(),
                                       filter.address_prefix()) == 0;
}

// Removes from a heap, whose top comes first by `before`, what cannot be among the first `limit`
// (0: all can), once that is many entries.
template <typename Keyed, typename Before, typename Later>
void Prune(uint32_t limit, Before before, Later later, std::vector<Keyed>& heap) {
  if (limit == 0 || heap.size() <= 2 * size_t{limit} + kPage) return;
  std::nth_element(heap.begin(), heap.begin() + limit, heap.end(), before);
  heap.resize(limit);
  std::make_heap(heap.begin(), heap.end(), later);
}

}  // namespace

bool Fits(const PeerFilter& filter, const PeerRecord& peer) {
  return FactsFit(filter, peer.lane->edge, peer.info, peer.stats);
}

void Describe(const Router& router, const PeerRecord& peer, bool with_topics,
              signaling::v1::Peer& out) {
  out.set_id(FormatId(peer.id));
  out.set_edge(peer.lane->edge);
  out.set_lane(peer.lane->index);
  DescribeFacts(peer.info, peer.stats, out);
  out.set_topic_count(static_cast<uint32_t>(peer.topics.size()));
  if (peer.stats_at_us != 0) out.set_stats_age_us(router.now_us() - peer.stats_at_us);
  if (!with_topics) return;
  for (const TopicRecord* topic : peer.topics) out.add_topics(topic->name);
}

void Describe(const ClosedPeer& peer, signaling::v1::Peer& out) {
  out.set_id(FormatId(peer.id));
  out.set_edge(peer.edge);
  out.set_lane(peer.lane);
  DescribeFacts(peer.info, peer.stats, out);
  out.set_closed_us(peer.closed_us);
  out.set_close_code(peer.close_code);
  out.set_close_reason(peer.close_reason);
}

void Describe(const Router& router, const TopicRecord& topic, signaling::v1::Topic& out) {
  out.set_name(topic.name);
  uint64_t subscribers = 0;
  for (const Interest& interest : topic.interests) subscribers += interest.subscribers;
  out.set_subscribers(subscribers);
  out.set_lanes(static_cast<uint32_t>(topic.interests.size()));
  out.set_relays(topic.relays);
  out.set_bytes(topic.bytes);
  out.set_relays_per_second(topic.rate.PerSecond(router.steady_us()));
  out.set_created_us(topic.created_us);
  out.set_last_relay_us(topic.last_relay_us);
  DescribeRecords(router, topic.name, out);
}

void DescribeRecords(const Router& router, const std::string& topic, signaling::v1::Topic& out) {
  const RecordStore::Entries* entries = router.records().Find(topic);
  if (!entries) return;
  out.set_records(static_cast<uint32_t>(entries->size()));
  out.set_newest_record_age_us(router.steady_us() - entries->back().published_us);
  out.set_oldest_record_age_us(router.steady_us() - entries->front().published_us);
}

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
    out.set_draining(router.draining());
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

// ---- peers

absl::StatusOr<PeerListing> PeerListing::Create(const ListPeersRequest& request) {
  uint64_t after = 0;
  if (!request.page_token().empty()) {
    if (request.closed() || request.sort() != ListPeersRequest::SORT_ID || request.descending()) {
      return absl::InvalidArgumentError(
          "page_token goes with SORT_ID ascending, and not with closed");
    }
    const auto id = ParseId(request.page_token());
    if (!id) return absl::InvalidArgumentError("page_token is not one that an earlier call gave");
    after = *id;
  }
  if (request.closed() && !request.filter().topic().empty()) {
    return absl::InvalidArgumentError(
        "filter.topic does not go with closed: subscriptions are not kept");
  }
  return PeerListing(request, after);
}

PeerListing::PeerListing(const ListPeersRequest& request, uint64_t after)
    : request_(request), scan_(request.filter(), after) {}

size_t PeerListing::Wanted() const {
  if (request_.limit() == 0) return kPage;
  return std::min<uint64_t>(kPage, request_.limit() - sent_);
}

bool PeerListing::Step(const Router& router, ListPeersResponse& out) {
  if (request_.closed()) return StepClosed(router, out);
  if (request_.sort() == ListPeersRequest::SORT_ID && !request_.descending())
    return StepById(router, out);
  return StepSorted(router, out);
}

bool PeerListing::StepById(const Router& router, ListPeersResponse& out) {
  const bool more = scan_.Step(router.directory(), Wanted(), [&](const PeerRecord& peer) {
    Describe(router, peer, request_.with_topics(), *out.add_peers());
    ++sent_;
  });
  if (Wanted() > 0) return more;
  if (more) out.set_next_page_token(FormatId(scan_.last()));
  return false;
}

bool PeerListing::StepSorted(const Router& router, ListPeersResponse& out) {
  const auto before = [this](const Keyed& a, const Keyed& b) {
    return request_.descending() ? a > b : a < b;
  };
  // The top of a heap is its largest element: "less" means that it comes later.
  const auto later = [&before](const Keyed& a, const Keyed& b) { return before(b, a); };
  if (!scanned_) {
    scanned_ = !scan_.Step(router.directory(), PeerScan::kScanPerStep, [&](const PeerRecord& peer) {
      heap_.emplace_back(KeyOf(peer, request_.sort()), peer.id);
      std::push_heap(heap_.begin(), heap_.end(), later);
    });
    Prune(request_.limit(), before, later, heap_);
    return true;
  }
  for (size_t wanted = Wanted(); wanted > 0 && !heap_.empty();) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const PeerRecord* peer = router.directory().Peer(heap_.back().second);
    heap_.pop_back();
    if (!peer) continue;  // closed since the scan
    Describe(router, *peer, request_.with_topics(), *out.add_peers());
    ++sent_;
    --wanted;
  }
  return !heap_.empty() && Wanted() > 0;
}

bool PeerListing::StepClosed(const Router& router, ListPeersResponse& out) {
  const Directory::History& history = router.directory().history();
  size_t wanted = Wanted();
  auto it = history.upper_bound(below_number_);
  for (size_t scanned = 0; it != history.end() && scanned < PeerScan::kScanPerStep;
       ++it, ++scanned) {
    if (wanted == 0) return Wanted() > 0;
    const ClosedPeer& closed = it->second;
    below_number_ = closed.number;
    if (!FactsFit(request_.filter(), closed.edge, closed.info, closed.stats)) continue;
    Describe(closed, *out.add_peers());
    ++sent_;
    --wanted;
  }
  return it != history.end();
}

// ---- topics

double TopicListing::KeyOf(const Router& router, const TopicRecord& topic) const {
  switch (request_.sort()) {
    case ListTopicsRequest::SORT_SUBSCRIBERS: {
      double subscribers = 0;
      for (const Interest& interest : topic.interests) subscribers += interest.subscribers;
      return subscribers;
    }
    case ListTopicsRequest::SORT_RATE:
      return topic.rate.PerSecond(router.steady_us());
    case ListTopicsRequest::SORT_RELAYS:
      return static_cast<double>(topic.relays);
    default:
      return 0;
  }
}

bool TopicListing::Before(const Keyed& a, const Keyed& b) const {
  if (a.first != b.first) return request_.descending() ? a.first > b.first : a.first < b.first;
  const bool by_name = request_.sort() == ListTopicsRequest::SORT_NAME;
  return by_name && request_.descending() ? a.second > b.second : a.second < b.second;
}

size_t TopicListing::Wanted() const {
  if (request_.limit() == 0) return kPage;
  return std::min<uint64_t>(kPage, request_.limit() - sent_);
}

bool TopicListing::Step(const Router& router, ListTopicsResponse& out) {
  if (request_.sort() == ListTopicsRequest::SORT_NAME && !request_.descending())
    return StepByName(router, out);
  return StepSorted(router, out);
}

bool TopicListing::StepByName(const Router& router, ListTopicsResponse& out) {
  const auto& names = router.directory().topic_names();
  auto it = started_ ? names.upper_bound(last_) : names.lower_bound(request_.name_prefix());
  started_ = true;
  for (size_t wanted = Wanted(); wanted > 0; --wanted, ++it) {
    if (it == names.end() || !absl::StartsWith(it->second->name, request_.name_prefix()))
      return false;
    last_ = it->second->name;
    Describe(router, *it->second, *out.add_topics());
    ++sent_;
  }
  return Wanted() > 0;
}

bool TopicListing::Scan(const Router& router) {
  const auto& names = router.directory().topic_names();
  auto it = started_ ? names.upper_bound(last_) : names.lower_bound(request_.name_prefix());
  started_ = true;
  for (size_t scanned = 0; it != names.end() && scanned < PeerScan::kScanPerStep; ++it, ++scanned) {
    const TopicRecord& topic = *it->second;
    if (!absl::StartsWith(topic.name, request_.name_prefix())) return false;
    last_ = topic.name;
    heap_.emplace_back(KeyOf(router, topic), topic.name);
  }
  return it != names.end();
}

bool TopicListing::StepSorted(const Router& router, ListTopicsResponse& out) {
  const auto before = [this](const Keyed& a, const Keyed& b) { return Before(a, b); };
  const auto later = [this](const Keyed& a, const Keyed& b) { return Before(b, a); };
  if (!scanned_) {
    const size_t had = heap_.size();
    scanned_ = !Scan(router);
    for (size_t size = had + 1; size <= heap_.size(); ++size)
      std::push_heap(heap_.begin(), heap_.begin() + static_cast<ptrdiff_t>(size), later);
    Prune(request_.limit(), before, later, heap_);
    return true;
  }
  for (size_t wanted = Wanted(); wanted > 0 && !heap_.empty();) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const TopicRecord* topic = router.directory().Topic(heap_.back().second);
    heap_.pop_back();
    if (!topic) continue;  // removed since the scan
    Describe(router, *topic, *out.add_topics());
    ++sent_;
    --wanted;
  }
  return !heap_.empty() && Wanted() > 0;
}

}  // namespace cairn::core

#include "core/descriptions.h"

#include "base/peer_id.h"

namespace cairn::core {

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

}  // namespace

void Describe(const Router& router, const PeerRecord& peer, bool with_topics,
              signaling::v1::Peer& out) {
  out.set_id(FormatId(peer.id));
  out.set_edge(peer.lane->edge);
  out.set_lane(peer.lane->index);
  DescribeFacts(peer.info, peer.stats, out);
  out.set_topic_count(static_cast<uint32_t>(peer.topics.size()));
  if (peer.stats_at_us != 0) out.set_stats_age_us(router.turn().now_us - peer.stats_at_us);
  if (!with_topics) return;
  for (const TopicRecord* topic : peer.topics) out.add_topics()->assign(topic->name());
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
  out.mutable_name()->assign(topic.name());
  uint64_t subscribers = 0;
  for (const Interest& interest : topic.interests) subscribers += interest.subscribers;
  out.set_subscribers(subscribers);
  out.set_lanes(static_cast<uint32_t>(topic.interests.size()));
  out.set_relays(topic.relays);
  out.set_bytes(topic.bytes);
  out.set_relays_per_second(topic.rate.PerSecond(router.turn().steady_us));
  out.set_created_us(topic.created_us);
  out.set_last_relay_us(topic.last_relay_us);
  DescribeRecords(router, out.name(), out);
}

void DescribeRecords(const Router& router, const std::string& topic, signaling::v1::Topic& out) {
  const RecordStore::Entries* entries = router.records().Find(topic);
  if (!entries) return;
  out.set_records(static_cast<uint32_t>(entries->size()));
  out.set_newest_record_age_us(router.turn().steady_us - entries->back().published_us);
  out.set_oldest_record_age_us(router.turn().steady_us - entries->front().published_us);
}

}  // namespace cairn::core

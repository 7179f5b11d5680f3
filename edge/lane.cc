// Lane: who is here, subscribed to what, and what the core is told of it.
#include "edge/lane.h"

#include <utility>

#include "base/check.h"

namespace cairn::edge {
namespace {

constexpr uint32_t kProtocolVersion = 1;  // Hello in lane.proto

// The Python library's WebSocket package names itself; the Go library's sends no User-Agent.
bool IsPython(const std::string& user_agent) { return user_agent.rfind("Python/", 0) == 0; }

}  // namespace

using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;

signaling::v1::Hello LaneIdentity::ToHello() const {
  signaling::v1::Hello hello;
  hello.set_protocol_version(kProtocolVersion);
  hello.set_lane_id(lane_id);
  hello.set_edge(edge);
  hello.set_lane_index(lane_index);
  hello.set_version(version);
  hello.set_tls_not_after_us(tls_not_after_us);
  return hello;
}

Lane::Lane(LaneIdentity identity, const EdgeLimits& limits, EdgeCounters& counters,
           const Clock& clock)
    : identity_(std::move(identity)),
      limits_(limits),
      counters_(counters),
      clock_(clock),
      records_(limits.max_record_cache_bytes) {
  CAIRN_CHECK(identity_.lane_id != 0);
}

Lane::~Lane() = default;
Lane::Member* Lane::Join(uint64_t peer, Client* client, PeerFacts facts) {
  CAIRN_CHECK(peer != 0);
  auto [it, inserted] = members_.try_emplace(peer);
  CAIRN_CHECK(inserted);
  it->second = std::make_unique<Member>();
  Member* member = it->second.get();
  member->peer = peer;
  member->client = client;
  member->facts = std::move(facts);
  member->plain_addresses = IsPython(member->facts.user_agent);
  FillFacts(*member, AddEvent(LaneEvent::KIND_PEER_OPENED, peer));
  return member;
}

void Lane::Leave(Member* member, uint16_t code, std::string_view reason) {
  for (const auto& [topic, subscription] : member->topics) RemoveFrom(topic, subscription.position);
  LaneEvent* event = AddEvent(LaneEvent::KIND_PEER_CLOSED, member->peer);
  event->set_close_code(code);
  event->set_close_reason(std::string(reason));
  FillStats(*member, event->mutable_stats());
  members_.erase(member->peer);
}

Lane::SubscribeResult Lane::Subscribe(Member* member, std::string_view name) {
  Topic* topic = FindTopic(name);
  if (topic && member->topics.contains(topic)) {
    // Changes nothing, but who asks for an answer gets one.
    if (member->v2()) AddSubscribed(member, name);
    return SubscribeResult::kAlready;
  }
  if (member->topics.size() >= limits_.max_topics) return SubscribeResult::kTooMany;
  if (!topic) {
    auto added = std::make_unique<Topic>();
    added->name = std::string(name);
    topic = added.get();
    topics_.emplace(topic->name, std::move(added));
  }
  member->topics.emplace(topic, Subscription{static_cast<uint32_t>(topic->members.size()), false});
  topic->members.push_back(member);
  AddSubscribed(member, name);
  return SubscribeResult::kSubscribed;
}

void Lane::AddSubscribed(const Member* member, std::string_view topic) {
  LaneEvent* event = AddEvent(LaneEvent::KIND_SUBSCRIBED, member->peer);
  event->mutable_topic()->assign(topic);
  event->set_wants_answer(member->v2());
}

void Lane::Unsubscribe(Member* member, std::string_view name) {
  Topic* topic = FindTopic(name);
  if (!topic) return;
  const auto membership = member->topics.find(topic);
  if (membership == member->topics.end()) return;
  AddEvent(LaneEvent::KIND_UNSUBSCRIBED, member->peer)->mutable_topic()->assign(name);
  const uint32_t position = membership->second.position;
  member->topics.erase(membership);
  RemoveFrom(topic, position);
}

// The last member of the topic takes the place that becomes free, so that leaving costs the same in
// a topic of ten thousand as in one of two. REQUIRES: the leaving member's own table is taken care
// of by the caller.
void Lane::RemoveFrom(Topic* topic, uint32_t position) {
  Member* last = topic->members.back();
  if (topic->members[position] != last) {
    topic->members[position] = last;
    last->topics[topic].position = position;
  }
  topic->members.pop_back();
  if (!topic->members.empty()) return;
  if (topic == last_topic_) last_topic_ = nullptr;
  topics_.erase(topics_.find(topic->name));
}

Lane::Topic* Lane::FindTopic(std::string_view name) {
  if (last_topic_ && last_topic_->name == name) return last_topic_;
  const auto it = topics_.find(name);
  return it == topics_.end() ? nullptr : last_topic_ = it->second.get();
}

void Lane::Relay(const Member* member, const wire::Message& message, uint64_t to) {
  LaneEvent* event = AddEvent(LaneEvent::KIND_RELAYED, member->peer);
  event->mutable_topic()->assign(message.topic);
  event->mutable_payload()->assign(message.payload);
  event->set_seq(next_seq_++);
  event->set_read_us(read_us_);
  event->set_to(to);
  if (message.receipt_id) {
    event->set_wants_receipt(true);
    event->set_receipt_id(*message.receipt_id);
  }
  if (Topic* topic = FindTopic(message.topic))
    event->set_sender_subscribed(member->topics.contains(topic));
}

void Lane::NoteMessage(Member* member, size_t bytes, const char* dialect) {
  ++member->counts.messages_in;
  member->counts.bytes_in += bytes;
  member->counts.last_activity_us = read_us_;
  member->counts.dialect = dialect;
  Changed(member);
}

void Lane::NoteRtt(Member* member, absl::Duration rtt) {
  member->counts.rtt_us = absl::ToInt64Microseconds(rtt);
  Changed(member);
}

bool Lane::Report(bool draining) {
  signaling::v1::LaneStats* stats = batch_.mutable_stats();
  stats->set_messages_in(counters_.messages_in());
  stats->set_frames_delivered(counters_.frames_delivered.Get());
  stats->set_backlog_bytes(link_->backlog_bytes());
  stats->set_draining(draining);
  const auto add = [](auto* list, std::string_view name, uint64_t count) {
    if (count == 0) return;
    signaling::v1::NamedCount* entry = list->Add();
    entry->set_name(std::string(name));
    entry->set_count(count);
  };
  for (size_t i = 0; i < kCloseReasonCount; ++i) {
    add(stats->mutable_closes(), Name(static_cast<CloseReason>(i)), counters_.closes[i].Get());
  }
  for (size_t i = 0; i < kDropReasonCount; ++i) {
    add(stats->mutable_drops(), Name(static_cast<DropReason>(i)), counters_.drops[i].Get());
  }
  for (size_t n = 0; n < kReportsPerCall && !unreported_.empty(); ++n) {
    const auto it = members_.find(unreported_.back());
    unreported_.pop_back();
    if (it == members_.end()) continue;
    it->second->unreported = false;
    FillStats(*it->second, AddEvent(LaneEvent::KIND_PEER_STATS, it->first)->mutable_stats());
  }
  return !unreported_.empty();
}

void Lane::Flush() {
  if (batch_.events_size() == 0 && !batch_.has_stats()) return;
  link_->Submit(batch_);
  CAIRN_CHECK(batch_.events_size() == 0);
}

void Lane::AppendSnapshot(LaneToCore& out) {
  for (const uint64_t lane : roster_) out.mutable_hello()->add_roster(lane);
  for (const auto& [origin, seq] : seen_) {
    signaling::v1::LaneMark* mark = out.mutable_hello()->add_seen();
    mark->set_lane_id(origin);
    mark->set_seq(seq);
  }
  for (const auto& [peer, member] : members_) {
    LaneEvent* opened = out.add_events();
    opened->set_kind(LaneEvent::KIND_PEER_OPENED);
    opened->set_peer(peer);
    FillFacts(*member, opened);
    LaneEvent* stats = out.add_events();
    stats->set_kind(LaneEvent::KIND_PEER_STATS);
    stats->set_peer(peer);
    FillStats(*member, stats->mutable_stats());
    for (const auto& [topic, subscription] : member->topics) {
      LaneEvent* subscribed = out.add_events();
      subscribed->set_kind(LaneEvent::KIND_SUBSCRIBED);
      subscribed->set_peer(peer);
      subscribed->set_topic(topic->name);
      subscribed->set_wants_answer(member->v2() && !subscription.answered);
    }
    for (const WaitingQuery& query : member->queries) {
      LaneEvent* queried = out.add_events();
      queried->set_kind(LaneEvent::KIND_QUERIED);
      queried->set_peer(peer);
      queried->set_topic(query.topic);
    }
  }
  records_.AppendSnapshot(absl::ToUnixMicros(clock_.WallTime()), out);
}

LaneEvent* Lane::AddEvent(LaneEvent::Kind kind, uint64_t peer) {
  LaneEvent* event = batch_.add_events();
  event->set_kind(kind);
  event->set_peer(peer);
  return event;
}

void Lane::FillStats(const Member& member, signaling::v1::PeerStats* stats) const {
  const PeerCounts& counts = member.counts;
  stats->set_messages_in(counts.messages_in);
  stats->set_messages_out(counts.messages_out);
  stats->set_bytes_in(counts.bytes_in);
  stats->set_bytes_out(counts.bytes_out);
  stats->set_queued_bytes(member.client->queued_bytes());
  stats->set_last_activity_us(counts.last_activity_us);
  stats->set_rtt_us(counts.rtt_us);
  stats->set_dialect(counts.dialect);
}

void Lane::FillFacts(const Member& member, LaneEvent* event) const {
  signaling::v1::PeerInfo* info = event->mutable_info();
  info->set_connected_since_us(member.facts.connected_since_us);
  info->set_remote_address(member.facts.remote_address);
  info->set_user_agent(member.facts.user_agent);
  info->set_tls_version(member.facts.tls_version);
  info->set_wants_presence(member.v2());
}

}  // namespace cairn::edge
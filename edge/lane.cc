// Lane: the members, their subscriptions, and the resulting messages to the core.
#include "edge/lane.h"

#include <utility>

#include "base/check.h"

namespace cairn::edge {
namespace {

// The Python library's WebSocket package sends a User-Agent; the Go library's sends none.
bool IsPython(const std::string& user_agent) { return user_agent.rfind("Python/", 0) == 0; }

}  // namespace

using signaling::v1::LaneEvent;

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

void Lane::Connect(CoreLink* link) {
  link_ = link;
  link_->Start();
}

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
  if (Flows()) {
    TellMember(member);
  } else if (in_session_) {
    untold_.push_back(peer);
  }
  return member;
}

void Lane::Leave(Member* member, uint16_t code, std::string_view reason) {
  for (const auto& [topic, subscription] : member->topics) RemoveFrom(topic, subscription.position);
  if (member->told) {
    Tell(LaneEvent::KIND_PEER_CLOSED, member->peer, [&](LaneEvent& event) {
      event.set_close_code(code);
      event.set_close_reason(std::string(reason));
      FillStats(*member, event.mutable_stats());
    });
  }
  members_.erase(member->peer);
}

Lane::SubscribeResult Lane::Subscribe(Member* member, std::string_view name) {
  Topic* topic = FindTopic(name);
  if (topic) {
    const auto known = member->topics.find(topic);
    if (known != member->topics.end()) {
      // Changes nothing, but a client that asks for an answer gets one.
      if (!member->v2()) return SubscribeResult::kAlready;
      known->second.asked = true;
      TellChange(member, name, true);
      return SubscribeResult::kAlready;
    }
  }
  if (member->topics.size() >= limits_.max_topics) return SubscribeResult::kTooMany;
  if (!topic) {
    auto added = Topic::New(name);
    topic = added.get();
    topics_.insert(std::move(added));
  }
  member->topics.emplace(topic, Subscription{static_cast<uint32_t>(topic->members.size())});
  topic->members.push_back(member);
  TellChange(member, name, false);
  return SubscribeResult::kSubscribed;
}

void Lane::Unsubscribe(Member* member, std::string_view name) {
  Topic* topic = FindTopic(name);
  if (!topic) return;
  const auto membership = member->topics.find(topic);
  if (membership == member->topics.end()) return;
  const uint32_t position = membership->second.position;
  member->topics.erase(membership);
  TellChange(member, name, true);
  RemoveFrom(topic, position);
}

// The last member of the topic moves into the freed position, so that leaving costs the same in a
// topic of ten thousand as in one of two. REQUIRES: the caller updates the leaving member's own
// table.
void Lane::RemoveFrom(Topic* topic, uint32_t position) {
  auto& members = topic->members;
  const auto move = [&](size_t from, uint32_t to) {
    if (from == to) return;
    members[to] = members[from];
    members[to]->topics[topic].position = to;
  };
  // Members that a relay in progress has reached stay in front of the others.
  if (topic == begun_.topic && position < begun_.next) {
    move(--begun_.next, position);
    position = begun_.next;
  }
  move(members.size() - 1, position);
  members.pop_back();
  if (!members.empty()) return;
  if (topic == begun_.topic) begun_.topic = nullptr;
  if (topic == last_topic_) last_topic_ = nullptr;
  topics_.erase(topics_.find(topic->name()));
}

Lane::Topic* Lane::FindTopic(std::string_view name) {
  if (last_topic_ && last_topic_->name() == name) return last_topic_;
  const auto it = topics_.find(name);
  return it == topics_.end() ? nullptr : last_topic_ = it->get();
}

void Lane::Relay(const Member* member, const wire::Message& message, uint64_t to) {
  Tell(LaneEvent::KIND_RELAYED, member->peer, [&](LaneEvent& event) {
    // Both are empty, and to append to an empty string costs half of what it costs to assign to it.
    event.mutable_topic()->append(message.topic);
    event.mutable_payload()->append(message.payload);
    event.set_proof(member->facts.proof);
    event.set_seq(next_seq_++);
    event.set_read_us(read_us_);
    event.set_to(to);
    if (!message.receipt_id) return;
    event.set_wants_receipt(true);
    event.set_receipt_id(*message.receipt_id);
  });
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
  if (!Flows()) return !unreported_.empty();
  signaling::v1::LaneStats* stats = outbox_.batch().mutable_stats();
  stats->set_messages_in(counters_.messages_in());
  stats->set_frames_delivered(counters_.frames_delivered.Get());
  stats->set_backlog_bytes(backlog_bytes());
  stats->set_draining(draining);
  stats->set_tls_not_after_us(tls_not_after_us_);
  stats->set_other_cores(cores_ > 1 ? cores_ - 1 : 0);
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
    const Member& member = *it->second;
    it->second->unreported = false;
    TellNow(LaneEvent::KIND_PEER_STATS, it->first,
            [&](LaneEvent& event) { FillStats(member, event.mutable_stats()); });
  }
  return !unreported_.empty();
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

void Lane::FillFacts(const Member& member, signaling::v1::PeerInfo* info) const {
  info->set_connected_since_us(member.facts.connected_since_us);
  info->set_remote_address(member.facts.remote_address);
  // An empty string that is set needs memory, which the router of this process would keep.
  if (!member.facts.user_agent.empty()) info->set_user_agent(member.facts.user_agent);
  if (*member.facts.tls_version != '\0') info->set_tls_version(member.facts.tls_version);
  info->set_wants_presence(member.v2());
}

}  // namespace cairn::edge
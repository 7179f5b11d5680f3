#include "edge/lane.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/peer_id.h"
#include "proto/wire/message_writer.h"
#include "proto/wire/v2_writer.h"
#include "proto/wire/ws_encoder.h"

namespace cairn::edge {
namespace {

constexpr uint32_t kProtocolVersion = 1;  // Hello in lane.proto

// The Python library's WebSocket package names itself; the Go library's sends no User-Agent.
bool IsPython(const std::string& user_agent) { return user_agent.rfind("Python/", 0) == 0; }

}  // namespace

using signaling::v1::CoreToLane;
using signaling::v1::Delivery;
using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;
using signaling::v1::Notice;

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

// ---- records and queries

void Lane::Publish(const Member* member, std::string_view topic,
                   const wire::PublishedRecord& published) {
  LaneEvent* event = AddEvent(LaneEvent::KIND_PUBLISHED, member->peer);
  event->mutable_topic()->assign(topic);
  event->set_payload(wire::BlobOf(published));
  event->set_seq(next_seq_++);
  event->set_read_us(read_us_);
  if (Topic* found = FindTopic(topic)) event->set_sender_subscribed(member->topics.contains(found));
  signaling::v1::Record* record = event->mutable_record();
  record->set_connection(member->peer);
  record->set_peer_id(published.peer_id);
  record->set_blob(published.blob);
  for (const std::string& address : published.addresses) record->add_addresses(address);
  record->set_ttl_us(absl::ToInt64Microseconds(limits_.record_ttl));
  if (link_->can_break()) records_.Keep(topic, *record, absl::ToUnixMicros(clock_.WallTime()));
}

void Lane::Query(Member* member, std::string_view topic) {
  if (member->queries.size() >= limits_.max_held_queries) return SendResult(member, topic, {});
  std::string name(topic);
  AddEvent(LaneEvent::KIND_QUERIED, member->peer)->set_topic(name);
  const absl::Duration until = clock_.Elapsed() + limits_.query_hold;
  due_.push_back({until, member->peer});
  member->queries.push_back({until, std::move(name)});
}

void Lane::EndQueries() {
  const absl::Duration now = clock_.Elapsed();
  for (; !due_.empty() && due_.front().at <= now; due_.pop_front()) {
    const auto it = members_.find(due_.front().peer);
    if (it != members_.end()) EndQueries(it->second.get(), now);
  }
}

void Lane::EndQueries(Member* member, absl::Duration now) {
  std::vector<WaitingQuery>& queries = member->queries;
  while (!queries.empty() && queries.front().until <= now) {
    const std::string topic = std::move(queries.front().topic);
    queries.erase(queries.begin());
    const bool waits_on =
        std::any_of(queries.begin(), queries.end(),
                    [&](const WaitingQuery& query) { return query.topic == topic; });
    if (!waits_on) AddEvent(LaneEvent::KIND_QUERY_ENDED, member->peer)->set_topic(topic);
    SendResult(member, topic, {});
  }
}

void Lane::OnAnswer(const signaling::v1::Answer& answer) {
  const auto it = members_.find(answer.peer());
  if (it == members_.end()) return;
  // Who has asked more than once is answered as often.
  const size_t asked = std::erase_if(it->second->queries, [&](const WaitingQuery& query) {
    return query.topic == answer.topic();
  });
  if (asked == 0) return;
  std::vector<wire::PublishedRecord> records;
  for (const signaling::v1::Record& record : answer.records()) {
    wire::PublishedRecord& published = records.emplace_back();
    published.peer_id = record.peer_id().empty() ? FormatId(record.connection()) : record.peer_id();
    published.blob = record.blob();
    published.addresses.assign(record.addresses().begin(), record.addresses().end());
  }
  for (size_t i = 0; i < asked; ++i) SendResult(it->second.get(), answer.topic(), records);
}

void Lane::SendResult(Member* member, std::string_view topic,
                      const std::vector<wire::PublishedRecord>& records) {
  const wire::JsonResult result = wire::WriteJsonResult(topic, records, member->plain_addresses);
  for (size_t i = 0; i < result.left_out; ++i) counters_.Count(DropReason::kResultCut);
  counters_.CountOut(MessageForm::kJson, member->client->Send(wire::WsOpcode::kText, result.text));
}

void Lane::Flush() {
  if (batch_.events_size() == 0 && !batch_.has_stats()) return;
  link_->Submit(batch_);
  CAIRN_CHECK(batch_.events_size() == 0);
}

void Lane::OnCoreMessage(CoreToLane& message) {
  const int64_t now_us = message.deliveries_size() > 0 ? absl::ToUnixMicros(clock_.WallTime()) : 0;
  for (const Delivery& delivery : message.deliveries()) {
    uint64_t& seen = seen_[delivery.origin_lane()];
    if (delivery.origin_seq() <= seen) {
      counters_.Count(DropReason::kDuplicate);
      continue;
    }
    seen = delivery.origin_seq();
    FanOut(delivery, now_us);
  }
  if (message.roster_size() > 0) roster_.assign(message.roster().begin(), message.roster().end());
  for (const Notice& notice : message.notices()) OnNotice(notice);
  for (const signaling::v1::Answer& answer : message.answers()) OnAnswer(answer);
  for (const signaling::v1::Command& command : message.commands()) CarryOut(command);
}

void Lane::CarryOut(const signaling::v1::Command& command) {
  switch (command.kind()) {
    case signaling::v1::Command::KIND_DISCONNECT:
      if (const auto it = members_.find(command.peer()); it != members_.end()) {
        it->second->client->Disconnect(static_cast<uint16_t>(command.close_code()),
                                       command.close_reason());
      }
      return;
    case signaling::v1::Command::KIND_DRAIN:
      if (orders_.drain) orders_.drain();
      return;
    case signaling::v1::Command::KIND_LOG_LEVEL:
      if (orders_.set_log_directives) orders_.set_log_directives(command.log_directives());
      return;
    default:
      return;  // of a newer core
  }
}

void Lane::FanOut(const Delivery& delivery, int64_t now_us) {
  native_frame_.clear();
  v2_frame_.clear();
  const uint64_t before = counters_.frames_delivered.Get();
  if (delivery.to() != 0) {
    if (const auto it = members_.find(delivery.to()); it != members_.end())
      DeliverTo(it->second.get(), delivery);
  } else if (const Topic* topic = FindTopic(delivery.topic())) {
    for (Member* member : topic->members) {
      if (member->peer != delivery.from()) DeliverTo(member, delivery);
    }
  }
  const uint64_t copies = counters_.frames_delivered.Get() - before;
  // Across machines as true as their clocks; a clock that is behind must not make it negative.
  if (delivery.read_us() != 0)
    counters_.relay_latency.Add(std::max<int64_t>(0, now_us - delivery.read_us()), copies);
}

void Lane::DeliverTo(Member* member, const Delivery& delivery) {
  const std::string_view frame = FrameFor(*member, delivery);
  member->client->Deliver(frame);
  ++member->counts.messages_out;
  member->counts.bytes_out += frame.size();
  Changed(member);
  counters_.frames_delivered.Add();
  counters_.CountOut(member->form(), frame.size());
}

std::string_view Lane::FrameFor(const Member& member, const Delivery& delivery) {
  std::string& frame = member.v2() ? v2_frame_ : native_frame_;
  if (!frame.empty()) return frame;
  if (member.v2()) {
    std::string message;
    wire::AppendRelayFrom(delivery.topic(), delivery.payload(), FormatId(delivery.from()), message);
    wire::AppendWsFrame(wire::WsOpcode::kBinary, message, frame);
  } else {
    wire::AppendWsHeader(wire::WsOpcode::kBinary,
                         wire::RelaySize(delivery.topic(), delivery.payload()), frame);
    wire::AppendRelay(delivery.topic(), delivery.payload(), frame);
  }
  return frame;
}

// ---- cairn.signal.v2

void Lane::OnNotice(const Notice& notice) {
  const auto addressee = members_.find(notice.peer());
  std::string message;
  switch (notice.kind()) {
    case Notice::KIND_SUBSCRIBED: {
      Topic* topic = FindTopic(notice.topic());
      if (addressee == members_.end() || !topic) return;
      const auto subscription = addressee->second->topics.find(topic);
      if (subscription == addressee->second->topics.end()) return;
      subscription->second.answered = true;
      wire::AppendSubscribed(notice.topic(), notice.count(), message);
      return Say(*addressee->second, message);
    }
    case Notice::KIND_RECEIPT:
      if (addressee == members_.end()) return;
      wire::AppendReceipt(notice.receipt_id(), notice.count(), message);
      return Say(*addressee->second, message);
    case Notice::KIND_JOINED:
      wire::AppendJoined(notice.topic(), FormatId(notice.peer()), message);
      break;
    case Notice::KIND_LEFT:
      wire::AppendLeft(notice.topic(), FormatId(notice.peer()), message);
      break;
    default:
      return;  // of a newer core
  }
  const Topic* topic = FindTopic(notice.topic());
  if (!topic) return;
  for (Member* member : topic->members) {
    if (member->v2() && member->peer != notice.peer()) Say(*member, message);
  }
}

void Lane::Say(const Member& member, std::string_view message) {
  counters_.CountOut(MessageForm::kCborV2, member.client->Send(wire::WsOpcode::kBinary, message));
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

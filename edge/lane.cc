#include "edge/lane.h"

#include <utility>

#include "base/check.h"
#include "proto/wire/message_writer.h"
#include "proto/wire/ws_encoder.h"

namespace cairn::edge {

using signaling::v1::CoreToLane;
using signaling::v1::Delivery;
using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;

Lane::Lane(LaneIdentity identity, const EdgeLimits& limits, EdgeCounters& counters)
    : identity_(std::move(identity)), limits_(limits), counters_(counters) {
  CAIRN_CHECK(identity_.lane_id != 0);
}

Lane::~Lane() = default;

Lane::Member* Lane::Join(uint64_t peer, Client* client, PeerFacts facts) {
  CAIRN_CHECK(peer != 0);
  auto [it, inserted] = members_.try_emplace(peer, std::make_unique<Member>());
  CAIRN_CHECK(inserted);
  Member* member = it->second.get();
  member->peer = peer;
  member->client = client;
  member->facts = std::move(facts);
  FillFacts(*member, AddEvent(LaneEvent::KIND_PEER_OPENED, peer));
  return member;
}

void Lane::Leave(Member* member) {
  for (const auto& [topic, position] : member->topics) RemoveFrom(topic, position);
  AddEvent(LaneEvent::KIND_PEER_CLOSED, member->peer);
  members_.erase(member->peer);
}

Lane::SubscribeResult Lane::Subscribe(Member* member, std::string_view name) {
  auto it = topics_.find(name);
  if (it != topics_.end() && member->topics.contains(it->second.get())) return SubscribeResult::kAlready;
  if (member->topics.size() >= limits_.max_topics) return SubscribeResult::kTooMany;
  if (it == topics_.end()) {
    auto topic = std::make_unique<Topic>();
    topic->name = std::string(name);
    const std::string_view key = topic->name;
    it = topics_.emplace(key, std::move(topic)).first;
  }
  Topic* topic = it->second.get();
  member->topics.emplace(topic, static_cast<uint32_t>(topic->members.size()));
  topic->members.push_back(member);
  AddEvent(LaneEvent::KIND_SUBSCRIBED, member->peer)->mutable_topic()->assign(name);
  return SubscribeResult::kSubscribed;
}

void Lane::Unsubscribe(Member* member, std::string_view name) {
  const auto it = topics_.find(name);
  if (it == topics_.end()) return;
  Topic* topic = it->second.get();
  const auto membership = member->topics.find(topic);
  if (membership == member->topics.end()) return;
  AddEvent(LaneEvent::KIND_UNSUBSCRIBED, member->peer)->mutable_topic()->assign(name);
  const uint32_t position = membership->second;
  member->topics.erase(membership);
  RemoveFrom(topic, position);
}

// The last member of the topic takes the place that becomes free, so that leaving costs the same in a topic of ten
// thousand as in one of two. REQUIRES: the leaving member's own table is taken care of by the caller.
void Lane::RemoveFrom(Topic* topic, uint32_t position) {
  Member* last = topic->members.back();
  if (topic->members[position] != last) {
    topic->members[position] = last;
    last->topics[topic] = position;
  }
  topic->members.pop_back();
  if (topic->members.empty()) topics_.erase(topics_.find(topic->name));
}

void Lane::Relay(const Member* member, std::string_view topic, std::string_view payload) {
  LaneEvent* event = AddEvent(LaneEvent::KIND_RELAYED, member->peer);
  event->mutable_topic()->assign(topic);
  event->mutable_payload()->assign(payload);
  event->set_seq(next_seq_++);
  // Looked up only where it can matter: most senders are subscribed to what they relay to.
  if (const auto it = topics_.find(topic); it != topics_.end()) {
    event->set_sender_subscribed(member->topics.contains(it->second.get()));
  }
}

void Lane::Flush() {
  if (batch_.events_size() == 0) return;
  link_->Submit(batch_);
  CAIRN_CHECK(batch_.events_size() == 0);
}

void Lane::OnCoreMessage(CoreToLane& message) {
  for (const Delivery& delivery : message.deliveries()) {
    uint64_t& seen = seen_[delivery.origin_lane()];
    if (delivery.origin_seq() <= seen) {
      counters_.Count(DropReason::kDuplicate);
      continue;
    }
    seen = delivery.origin_seq();
    FanOut(delivery);
  }
}

void Lane::FanOut(const Delivery& delivery) {
  const auto it = topics_.find(delivery.topic());
  if (it == topics_.end()) return;  // the last subscriber left while it was on its way
  frame_.clear();
  wire::AppendWsHeader(wire::WsOpcode::kBinary, wire::RelaySize(delivery.topic(), delivery.payload()), frame_);
  wire::AppendRelay(delivery.topic(), delivery.payload(), frame_);
  uint64_t copies = 0;
  for (Member* member : it->second->members) {
    if (member->peer == delivery.from()) continue;
    member->client->Deliver(frame_);
    ++copies;
  }
  counters_.frames_delivered.Add(copies);
  counters_.bytes_delivered.Add(copies * frame_.size());
}

void Lane::AppendSnapshot(LaneToCore& out) {
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
    for (const auto& [topic, position] : member->topics) {
      LaneEvent* subscribed = out.add_events();
      subscribed->set_kind(LaneEvent::KIND_SUBSCRIBED);
      subscribed->set_peer(peer);
      subscribed->set_topic(topic->name);
    }
  }
}

LaneEvent* Lane::AddEvent(LaneEvent::Kind kind, uint64_t peer) {
  LaneEvent* event = batch_.add_events();
  event->set_kind(kind);
  event->set_peer(peer);
  return event;
}

void Lane::FillFacts(const Member& member, LaneEvent* event) const {
  signaling::v1::PeerInfo* info = event->mutable_info();
  info->set_connected_since_us(member.facts.connected_since_us);
  info->set_remote_address(member.facts.remote_address);
  info->set_user_agent(member.facts.user_agent);
  info->set_tls_version(member.facts.tls_version);
}

}  // namespace cairn::edge

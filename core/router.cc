#include "core/router.h"

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "base/peer_id.h"

namespace cairn::core {

using signaling::v1::Command;
using signaling::v1::CoreToLane;
using signaling::v1::Event;
using signaling::v1::LaneEvent;
using signaling::v1::Notice;

Router::Router(uint64_t core_id, const Clock& clock)
    : core_id_(core_id),
      clock_(clock),
      started_us_(absl::ToUnixMicros(clock.WallTime())),
      now_us_(started_us_) {}

void Router::Handle(RouterInput& input) {
  now_us_ = absl::ToUnixMicros(clock_.WallTime());
  std::visit([this](auto& one) { On(one); }, input);
  if (absent_ > 0 && !stopping_) EndOldAbsences();
  if (!hold_.empty() && !hold_.holding(now_us_)) ReleaseHeld();
  SendGathered();
}

void Router::On(CoreStopping&) { stopping_ = true; }

void Router::On(AdminCall& call) { call.run(*this); }

void Router::On(Tick&) {
  records_.Expire(now_us_);
  for (const auto& [sink, lane] : directory_.lanes()) {
    if (lane->ledger.settled() != lane->told_settled) OutOf(*lane);
  }
}

// ---- events of a lane

void Router::OnEvent(LaneRecord& lane, LaneEvent& event) {
  if (event.seq() != 0 && hold_.holding(now_us_)) return hold_.Add(lane.id, event);
  switch (event.kind()) {
    case LaneEvent::KIND_RELAYED:
      return Relay(lane, event);
    case LaneEvent::KIND_PEER_OPENED:
      return OpenPeer(lane, event);
    case LaneEvent::KIND_PUBLISHED:
      return Publish(lane, event);
    case LaneEvent::KIND_SNAPSHOT_END:
      DropUnconfirmed(lane);
      lane.in_snapshot = lane.is_back = false;
      hold_.OnSnapshotEnd(lane.id);
      return;
    default:
      return OnPeerEvent(lane, event);
  }
}

void Router::OnPeerEvent(LaneRecord& lane, LaneEvent& event) {
  PeerRecord* peer = directory_.FindPeer(event.peer());
  if (!peer || peer->lane != &lane) {
    ++counters_.events_ignored;
    return;
  }
  switch (event.kind()) {
    case LaneEvent::KIND_SUBSCRIBED:
      return Subscribe(*peer, event);
    case LaneEvent::KIND_UNSUBSCRIBED:
      return Unsubscribe(*peer, event.topic());
    case LaneEvent::KIND_PEER_STATS:
      peer->stats.Swap(event.mutable_stats());
      peer->stats_at_us = now_us_;
      return;
    case LaneEvent::KIND_QUERIED:
      return Query(*peer, event.topic());
    case LaneEvent::KIND_QUERY_ENDED:
      return EndQuery(*peer, event.topic());
    case LaneEvent::KIND_PEER_CLOSED:
      if (event.has_stats()) peer->stats.Swap(event.mutable_stats());
      return ClosePeer(*peer, event.close_code(), event.close_reason());
    default:
      ++counters_.events_ignored;
  }
}

void Router::Subscribe(PeerRecord& peer, const LaneEvent& event) {
  const bool added = directory_.Subscribe(peer, event.topic(), now_us_);
  TopicRecord* topic = directory_.FindTopic(event.topic());
  if (peer.unconfirmed) peer.unconfirmed->topics.erase(topic);
  if (event.wants_answer()) {
    uint64_t subscribers = 0;
    for (const Interest& interest : topic->interests) subscribers += interest.subscribers;
    Notice* notice = OutOf(*peer.lane).add_notices();
    notice->set_kind(Notice::KIND_SUBSCRIBED);
    notice->set_peer(peer.id);
    notice->set_topic(event.topic());
    notice->set_count(subscribers - 1);
  }
  if (!added) return;
  // A core that has just started learns of the living; to them nobody is new.
  if (!peer.lane->in_snapshot || peer.lane->is_back || peer.returned)
    Announce(Notice::KIND_JOINED, peer, *topic);
  if (NewEvent(Event::KIND_SUBSCRIBED, *peer.lane, &peer)) {
    event_.set_topic(event.topic());
    feed_.Publish(event_);
  }
}

void Router::Unsubscribe(PeerRecord& peer, const std::string& name) {
  if (const TopicRecord* topic = directory_.FindTopic(name); topic && peer.topics.contains(topic)) {
    Announce(Notice::KIND_LEFT, peer, *topic);
  }
  if (!directory_.Unsubscribe(peer, name)) {
    ++counters_.events_ignored;
  } else if (NewEvent(Event::KIND_UNSUBSCRIBED, *peer.lane, &peer)) {
    event_.set_topic(name);
    feed_.Publish(event_);
  }
}

void Router::Announce(Notice::Kind kind, const PeerRecord& peer, const TopicRecord& topic) {
  for (const Interest& interest : topic.interests) {
    const uint32_t itself = interest.lane == peer.lane && peer.info.wants_presence() ? 1 : 0;
    if (interest.watchers <= itself) continue;
    Notice* notice = OutOf(*interest.lane).add_notices();
    notice->set_kind(kind);
    notice->set_peer(peer.id);
    notice->set_topic(topic.name);
  }
}

void Router::OpenPeer(LaneRecord& lane, LaneEvent& event) {
  if (PeerRecord* known = directory_.FindPeer(event.peer()); known && known->unconfirmed) {
    if (known->lane == &lane) {
      known->unconfirmed->peer = false;
      return;
    }
  }
  const PeerRecord* peer = directory_.AddPeer(lane, event.peer(), std::move(*event.mutable_info()));
  if (!peer) {
    ++counters_.events_ignored;
  } else if (NewEvent(Event::KIND_CONNECTED, lane, peer)) {
    feed_.Publish(event_);
  }
}

void Router::ClosePeer(PeerRecord& peer, uint32_t code, std::string_view reason) {
  if (NewEvent(Event::KIND_CLOSED, *peer.lane, &peer)) {
    event_.set_close_code(code);
    event_.set_close_reason(std::string(reason));
    feed_.Publish(event_);
  }
  for (const TopicRecord* topic : peer.topics) Announce(Notice::KIND_LEFT, peer, *topic);
  for (const std::string& topic : peer.queries) queries_.Remove(topic, peer.id);
  directory_.RemovePeer(peer, now_us_, code, reason);
}

// ---- orders

void Router::Disconnect(const PeerRecord& peer, uint32_t code, std::string_view reason) {
  Command* command = OutOf(*peer.lane).add_commands();
  command->set_kind(Command::KIND_DISCONNECT);
  command->set_peer(peer.id);
  command->set_close_code(code);
  command->set_close_reason(std::string(reason));
}

void Router::Drain(LaneRecord& lane) { OutOf(lane).add_commands()->set_kind(Command::KIND_DRAIN); }

void Router::SetLogDirectives(LaneRecord& lane, std::string_view directives) {
  Command* command = OutOf(lane).add_commands();
  command->set_kind(Command::KIND_LOG_LEVEL);
  command->set_log_directives(std::string(directives));
}

// ---- output

Event* Router::NewEvent(Event::Kind kind, const LaneRecord& lane, const PeerRecord* peer) {
  if (!feed_.watched()) return nullptr;
  event_.Clear();
  event_.set_kind(kind);
  event_.set_time_us(now_us_);
  event_.set_edge(lane.edge);
  if (peer) {
    event_.set_id(FormatId(peer->id));
    event_.set_remote_address(peer->info.remote_address());
  }
  return &event_;
}

CoreToLane& Router::OutOf(LaneRecord& lane) {
  if (!lane.dirty) {
    lane.dirty = true;
    dirty_.push_back(&lane);
  }
  return lane.out;
}

void Router::SendGathered() {
  for (LaneRecord* lane : dirty_) {
    lane->dirty = false;
    if (lane->ledger.settled() != lane->told_settled) {
      lane->told_settled = lane->ledger.settled();
      lane->out.set_acked_seq(lane->told_settled);
    }
    lane->absence ? lane->absence->Keep(lane->out) : lane->sink->Send(lane->out);
  }
  dirty_.clear();
}

}  // namespace cairn::core

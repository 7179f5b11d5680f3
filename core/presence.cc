#include "core/presence.h"

#include <algorithm>
#include <utility>

#include "base/peer_id.h"
#include "core/fan_out.h"

namespace cairn::core {

using signaling::v1::Event;
using signaling::v1::LaneEvent;
using signaling::v1::Notice;

namespace {

bool IsOnlyLaneOfEdge(const Directory& directory, const LaneRecord& lane) {
  return std::none_of(directory.lanes().begin(), directory.lanes().end(),
                      [&lane](const auto& entry) {
                        return entry.second.get() != &lane && entry.second->edge == lane.edge;
                      });
}

}  // namespace

void Presence::Subscribe(PeerRecord& peer, const LaneEvent& event) {
  const bool added = directory_.Subscribe(peer, event.topic(), turn_.now_us);
  TopicRecord* topic = directory_.FindTopic(event.topic());
  if (mesh_) {
    mesh_->OnSubscribed(peer, event.topic(), added, event.is_new(), event.wants_answer());
  } else if (event.wants_answer()) {
    uint64_t subscribers = 0;
    for (const Interest& interest : topic->interests) subscribers += interest.subscribers;
    AnswerSubscribed(peer, event.topic(), subscribers - 1);
  }
  if (!added) return;
  // Peers that existed before a restart must not produce Joined notices.
  if (event.is_new() && !mesh_) Announce(Notice::KIND_JOINED, peer, *topic);
  if (NewEvent(Event::KIND_SUBSCRIBED, *peer.lane, &peer)) {
    event_.set_topic(event.topic());
    feed_.Publish(event_);
  }
}

void Presence::Unsubscribe(PeerRecord& peer, const std::string& name) {
  if (const TopicRecord* topic = directory_.FindTopic(name); topic && peer.topics.contains(topic)) {
    Announce(Notice::KIND_LEFT, peer, *topic);
  }
  if (!directory_.Unsubscribe(peer, name)) {
    ++counters_.events_ignored;
    return;
  }
  if (mesh_) mesh_->OnUnsubscribed(peer, name);
  if (NewEvent(Event::KIND_UNSUBSCRIBED, *peer.lane, &peer)) {
    event_.set_topic(name);
    feed_.Publish(event_);
  }
}

void Presence::Announce(Notice::Kind kind, PeerRecord& peer, const TopicRecord& topic) {
  uint64_t told = 0;
  for (const Interest& interest : topic.interests) {
    const uint32_t itself = interest.lane == peer.lane && peer.info.wants_presence() ? 1 : 0;
    if (interest.watchers <= itself) continue;
    told += interest.watchers - itself;
    Notice* notice = output_.For(*interest.lane).add_notices();
    notice->set_kind(kind);
    notice->set_peer(peer.id);
    notice->mutable_topic()->assign(topic.name());
  }
  if (told > 1) CountFanOut(output_, peer, told, topic.name().size());
}

void Presence::Open(LaneRecord& lane, LaneEvent& event) {
  PeerRecord* peer = directory_.AddPeer(lane, event.peer(), std::move(*event.mutable_info()));
  if (peer && event.has_stats()) {
    peer->stats.Swap(event.mutable_stats());
    peer->stats_at_us = turn_.now_us;
  }
  if (!peer) {
    ++counters_.events_ignored;
  } else if (NewEvent(Event::KIND_CONNECTED, lane, peer)) {
    feed_.Publish(event_);
  }
}

void Presence::Close(PeerRecord& peer, uint32_t code, std::string_view reason) {
  if (NewEvent(Event::KIND_CLOSED, *peer.lane, &peer)) {
    event_.set_close_code(code);
    event_.set_close_reason(std::string(reason));
    feed_.Publish(event_);
  }
  for (const TopicRecord* topic : peer.topics) {
    Announce(Notice::KIND_LEFT, peer, *topic);
    if (mesh_) mesh_->OnUnsubscribed(peer, topic->name());
  }
  answers_.Forget(peer);
  directory_.RemovePeer(peer, turn_.now_us, code, reason);
}

void Presence::OnLaneUp(const LaneRecord& lane) {
  if (IsOnlyLaneOfEdge(directory_, lane) && NewEvent(Event::KIND_EDGE_UP, lane, nullptr))
    feed_.Publish(event_);
}

void Presence::OnLaneDown(const LaneRecord& lane) {
  if (IsOnlyLaneOfEdge(directory_, lane) && NewEvent(Event::KIND_EDGE_DOWN, lane, nullptr))
    feed_.Publish(event_);
}

Event* Presence::NewEvent(Event::Kind kind, const LaneRecord& lane, const PeerRecord* peer) {
  if (!feed_.watched()) return nullptr;
  event_.Clear();
  event_.set_kind(kind);
  event_.set_time_us(turn_.now_us);
  event_.set_edge(lane.edge);
  if (peer) {
    event_.set_id(FormatId(peer->id));
    event_.set_remote_address(peer->info.remote_address());
  }
  return &event_;
}

void Presence::Announce(Notice::Kind kind, uint64_t peer, std::string_view name, uint64_t only) {
  const TopicRecord* topic = directory_.Topic(name);
  if (!topic) return;
  const PeerRecord* local = directory_.Peer(peer);
  const PeerRecord* told = only == 0 ? nullptr : directory_.Peer(only);
  for (const Interest& interest : topic->interests) {
    const bool is_own = local && local->lane == interest.lane && local->info.wants_presence() &&
                        local->topics.contains(topic);
    if (interest.watchers <= (is_own ? 1U : 0U)) continue;
    if (only != 0 && (!told || told->lane != interest.lane)) continue;
    Notice* notice = output_.For(*interest.lane).add_notices();
    notice->set_kind(kind);
    notice->set_peer(peer);
    notice->mutable_topic()->assign(name);
    notice->set_to(only);
  }
}

void Presence::AnswerSubscribed(PeerRecord& peer, const std::string& topic, uint64_t others) {
  Notice* notice = output_.For(*peer.lane).add_notices();
  notice->set_kind(Notice::KIND_SUBSCRIBED);
  notice->set_peer(peer.id);
  notice->set_topic(topic);
  notice->set_count(others);
}

}  // namespace cairn::core

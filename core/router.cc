#include "core/router.h"

#include <absl/status/status.h>

#include <algorithm>
#include <utility>

namespace cairn::core {

using signaling::v1::CoreToLane;
using signaling::v1::Delivery;
using signaling::v1::LaneEvent;

void Router::Handle(RouterInput& input) {
  std::visit([this](auto& one) { On(one); }, input);
  SendGathered();
}

void Router::On(LaneOpened& opened) {
  if (const auto known = lanes_by_id_.find(opened.hello.lane_id()); known != lanes_by_id_.end()) {
    known->second->sink->Close(absl::AbortedError("the lane has opened a newer stream"));
    RemoveLane(*known->second);
  }
  auto lane = std::make_unique<Lane>();
  lane->id = opened.hello.lane_id();
  lane->sink = opened.sink;
  lanes_by_id_[lane->id] = lane.get();
  signaling::v1::Welcome* welcome = OutOf(*lane).mutable_welcome();
  welcome->set_protocol_version(kProtocolVersion);
  welcome->set_core_id(core_id_);
  lanes_.emplace(opened.sink.get(), std::move(lane));
}

void Router::On(LaneBatch& input) {
  const auto it = lanes_.find(input.sink.get());
  if (it == lanes_.end()) {
    counters_.events_ignored += static_cast<uint64_t>(input.batch.events_size());
    return;
  }
  Lane& lane = *it->second;
  for (LaneEvent& event : *input.batch.mutable_events()) OnEvent(lane, event);
}

void Router::On(LaneClosed& closed) {
  if (const auto it = lanes_.find(closed.sink.get()); it != lanes_.end()) RemoveLane(*it->second);
}

void Router::OnEvent(Lane& lane, LaneEvent& event) {
  switch (event.kind()) {
    case LaneEvent::KIND_RELAYED:
      return Relay(lane, event);
    case LaneEvent::KIND_SUBSCRIBED:
      return Subscribe(lane, event.peer(), event.topic());
    case LaneEvent::KIND_UNSUBSCRIBED:
      return Unsubscribe(lane, event.peer(), event.topic());
    case LaneEvent::KIND_PEER_OPENED:
      if (lane.peers.try_emplace(event.peer()).second) ++peer_count_;
      return;
    case LaneEvent::KIND_PEER_CLOSED:
      return RemovePeer(lane, event.peer());
    case LaneEvent::KIND_SNAPSHOT_END:
      return;
    default:
      ++counters_.events_ignored;
  }
}

void Router::Subscribe(Lane& lane, uint64_t peer, std::string_view name) {
  const auto subscriber = lane.peers.find(peer);
  if (subscriber == lane.peers.end()) {
    ++counters_.events_ignored;
    return;
  }
  auto it = topics_.find(name);
  if (it == topics_.end()) {
    auto topic = std::make_unique<Topic>();
    topic->name = std::string(name);
    const std::string_view key = topic->name;
    it = topics_.emplace(key, std::move(topic)).first;
  }
  Topic* topic = it->second.get();
  if (!subscriber->second.topics.insert(topic).second) return;
  for (Interest& interest : topic->interests) {
    if (interest.lane == &lane) {
      ++interest.subscribers;
      return;
    }
  }
  topic->interests.push_back({&lane, 1});
}

void Router::Unsubscribe(Lane& lane, uint64_t peer, std::string_view name) {
  const auto subscriber = lane.peers.find(peer);
  const auto topic = topics_.find(name);
  if (subscriber == lane.peers.end() || topic == topics_.end() ||
      subscriber->second.topics.erase(topic->second.get()) == 0) {
    ++counters_.events_ignored;
    return;
  }
  RemoveInterest(lane, topic->second.get());
}

void Router::Relay(Lane& origin, LaneEvent& event) {
  ++counters_.relays;
  // What is routed is the core's business from here on.
  OutOf(origin).set_acked_seq(event.seq());
  const auto it = topics_.find(event.topic());
  if (it == topics_.end()) {
    ++counters_.relays_unheard;
    return;
  }
  Delivery* last = nullptr;
  for (const Interest& interest : it->second->interests) {
    // The only subscriber there is the sender.
    if (interest.lane == &origin && interest.subscribers == 1 && event.sender_subscribed()) continue;
    Delivery* delivery = OutOf(*interest.lane).add_deliveries();
    delivery->set_origin_lane(origin.id);
    delivery->set_origin_seq(event.seq());
    delivery->set_from(event.peer());
    delivery->set_seq(interest.lane->next_delivery_seq++);
    if (last) {
      delivery->set_topic(last->topic());
      delivery->set_payload(last->payload());
    } else {
      // The first lane gets the strings themselves: with one interested lane nothing is copied.
      delivery->mutable_topic()->swap(*event.mutable_topic());
      delivery->mutable_payload()->swap(*event.mutable_payload());
      last = delivery;
    }
    ++counters_.deliveries;
  }
  if (!last) ++counters_.relays_unheard;
}

void Router::RemoveLane(Lane& lane) {
  for (const auto& [id, peer] : lane.peers) {
    for (Topic* topic : peer.topics) RemoveInterest(lane, topic);
  }
  peer_count_ -= lane.peers.size();
  if (lane.dirty) std::erase(dirty_, &lane);
  lanes_by_id_.erase(lane.id);
  lanes_.erase(lane.sink.get());
}

void Router::RemovePeer(Lane& lane, uint64_t peer) {
  const auto it = lane.peers.find(peer);
  if (it == lane.peers.end()) {
    ++counters_.events_ignored;
    return;
  }
  for (Topic* topic : it->second.topics) RemoveInterest(lane, topic);
  lane.peers.erase(it);
  --peer_count_;
}

void Router::RemoveInterest(Lane& lane, Topic* topic) {
  auto& interests = topic->interests;
  const auto it = std::find_if(interests.begin(), interests.end(),
                               [&lane](const Interest& interest) { return interest.lane == &lane; });
  if (--it->subscribers > 0) return;
  *it = interests.back();
  interests.pop_back();
  if (interests.empty()) topics_.erase(topics_.find(topic->name));
}

CoreToLane& Router::OutOf(Lane& lane) {
  if (!lane.dirty) {
    lane.dirty = true;
    dirty_.push_back(&lane);
  }
  return lane.out;
}

void Router::SendGathered() {
  for (Lane* lane : dirty_) {
    lane->dirty = false;
    lane->sink->Send(lane->out);
  }
  dirty_.clear();
}

}  // namespace cairn::core

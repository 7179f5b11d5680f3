#include "core/directory.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace cairn::core {

PeerRecord* Directory::AddPeer(LaneRecord& lane, uint64_t id, signaling::v1::PeerInfo info) {
  auto [added, is_new] = peers_.try_emplace(id);
  if (!is_new) return nullptr;
  // Its lane was given up and has reconnected.
  if (const auto closed = history_by_id_.find(id); closed != history_by_id_.end()) {
    history_.erase(closed->second);
    history_by_id_.erase(closed);
  }
  auto peer = std::make_unique<PeerRecord>();
  peer->id = id;
  peer->lane = &lane;
  peer->info = std::move(info);
  lane.share->presence_bytes += PresenceBytesOf(peer->info);
  PeerRecord* record = peer.get();
  added->second = std::move(peer);
  peer_ids_.emplace(id, record);
  lane.peers.insert(record);
  ++peers_opened_;
  return record;
}

PeerRecord* Directory::FindPeer(uint64_t id) {
  const auto it = peers_.find(id);
  return it == peers_.end() ? nullptr : it->second.get();
}

const PeerRecord* Directory::Peer(uint64_t id) const {
  const auto it = peers_.find(id);
  return it == peers_.end() ? nullptr : it->second.get();
}

const ClosedPeer* Directory::Closed(uint64_t id) const {
  const auto it = history_by_id_.find(id);
  return it == history_by_id_.end() ? nullptr : &it->second->second;
}

void Directory::RemovePeer(PeerRecord& peer, int64_t now_us, uint32_t close_code,
                           std::string_view close_reason) {
  for (TopicRecord* topic : peer.topics) RemoveInterest(peer, topic);
  subscriptions_ -= peer.topics.size();
  peer.topics.clear();
  peer.lane->share->presence_bytes -= PresenceBytesOf(peer.info);
  ClosedPeer closed;
  closed.id = peer.id;
  closed.edge = peer.lane->edge;
  closed.lane = peer.lane->index;
  closed.info.Swap(&peer.info);
  closed.stats.Swap(&peer.stats);
  closed.number = ++peers_closed_;
  closed.closed_us = now_us;
  closed.close_code = close_code;
  closed.close_reason = std::string(close_reason);
  if (history_.size() == kMaxHistory) {
    const auto oldest = std::prev(history_.end());
    history_by_id_.erase(oldest->second.id);
    history_.erase(oldest);
  }
  const uint64_t number = closed.number;
  history_by_id_[peer.id] = history_.emplace_hint(history_.begin(), number, std::move(closed));
  Forget(peer);
}

void Directory::Forget(PeerRecord& peer) {
  asked_ = {};
  for (TopicRecord* topic : peer.topics) RemoveInterest(peer, topic);
  subscriptions_ -= peer.topics.size();
  peer.lane->peers.erase(&peer);
  const uint64_t id = peer.id;
  peer_ids_.erase(id);
  peers_.erase(id);
}

bool Directory::Subscribe(PeerRecord& peer, std::string_view name, int64_t now_us) {
  auto it = topics_.find(name);
  if (it == topics_.end()) {
    auto topic = TopicRecord::New(name);
    topic->created_us = now_us;
    it = topics_.insert(std::move(topic)).first;
    topic_names_.insert(it->get());
  }
  TopicRecord* topic = it->get();
  if (!peer.topics.insert(topic).second) return false;
  asked_ = {};
  ++subscriptions_;
  peer.lane->share->presence_bytes += PresenceBytesOf(name);
  const uint32_t watcher = peer.info.wants_presence() ? 1 : 0;
  for (Interest& interest : topic->interests) {
    if (interest.lane == peer.lane) {
      ++interest.subscribers;
      interest.watchers += watcher;
      interest.ids_xor ^= peer.id;
      return true;
    }
  }
  topic->interests.push_back({peer.lane, 1, watcher, peer.id});
  return true;
}

bool Directory::Unsubscribe(PeerRecord& peer, std::string_view name) {
  TopicRecord* topic = FindTopic(name);
  if (!topic || peer.topics.erase(topic) == 0) return false;
  --subscriptions_;
  RemoveInterest(peer, topic);
  return true;
}

void Directory::AskWhetherSubscribed(const LaneRecord& lane, uint64_t id,
                                     const TopicRecord& topic) const {
  const PeerRecord* peer = Peer(id);
  asked_ = {&lane, &topic, id, peer && peer->lane == &lane && peer->topics.contains(&topic)};
}

TopicRecord* Directory::LookUpTopic(std::string_view name) {
  const auto it = topics_.find(name);
  return it == topics_.end() ? nullptr : last_topic_ = it->get();
}

const TopicRecord* Directory::Topic(std::string_view name) const {
  const auto it = topics_.find(name);
  return it == topics_.end() ? nullptr : it->get();
}

void Directory::RemoveInterest(const PeerRecord& peer, TopicRecord* topic) {
  asked_ = {};
  peer.lane->share->presence_bytes -= PresenceBytesOf(topic->name());
  auto& interests = topic->interests;
  const auto it =
      std::find_if(interests.begin(), interests.end(),
                   [&peer](const Interest& interest) { return interest.lane == peer.lane; });
  if (peer.info.wants_presence()) --it->watchers;
  it->ids_xor ^= peer.id;
  if (--it->subscribers > 0) return;
  *it = interests.back();
  interests.pop_back();
  if (!interests.empty()) return;
  if (topic == last_topic_) last_topic_ = nullptr;
  topic_names_.erase(topic);
  topics_.erase(topics_.find(topic->name()));
}

}  // namespace cairn::core

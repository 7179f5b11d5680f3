// Router: input of lanes that it refuses.
#include <algorithm>

#include "base/log.h"
#include "core/lane_rules.h"
#include "core/router.h"
#include "proto/link/identity.h"

namespace cairn::core {

using signaling::v1::LaneEvent;

// There may still be relays of a peer that has left: its lane resends earlier relays to a new core.
bool Router::SpeaksFor(const LaneRecord& lane, uint64_t peer_id, uint64_t proof) const {
  if (const PeerRecord* peer = directory_.Peer(peer_id)) return peer->lane == &lane;
  return !lane.proven || link::PeerIdOf(lane.secret, proof) == peer_id;
}

std::optional<LaneRefusal> Router::WhyRefusedNow(const LaneRecord& lane,
                                                 const LaneEvent& event) const {
  if (const auto reason = WhyRefused(event, limits_)) return reason;
  const auto is_foreign = [&](uint64_t peer) { return !SpeaksFor(lane, peer, event.proof()); };
  switch (event.kind()) {
    case LaneEvent::KIND_PEER_OPENED:
      if (is_foreign(event.peer())) return LaneRefusal::kForeignPeer;
      if (lane.share->presence_bytes + PresenceBytesOf(event.info()) >
          limits_.max_presence_bytes_per_edge)
        return LaneRefusal::kTooMuch;
      return std::nullopt;
    case LaneEvent::KIND_SUBSCRIBED:
      if (lane.share->presence_bytes + PresenceBytesOf(event.topic()) >
          limits_.max_presence_bytes_per_edge)
        return LaneRefusal::kTooMuch;
      break;
    case LaneEvent::KIND_PUBLISHED:
      if (is_foreign(event.record().connection()) ||
          (lane.proven && event.record().connection() != event.peer()))
        return LaneRefusal::kForeignPeer;
      return std::nullopt;
    case LaneEvent::KIND_RELAYED:
      if (is_foreign(event.peer())) return LaneRefusal::kForeignPeer;
      return std::nullopt;
    default:
      break;
  }
  const PeerRecord* peer = directory_.Peer(event.peer());
  if (peer && peer->lane != &lane) return LaneRefusal::kForeignPeer;
  return std::nullopt;
}

bool Router::FollowsLast(LaneRecord& lane, const LaneEvent& event) {
  if (!lane.proven) return true;
  if (event.kind() == LaneEvent::KIND_SNAPSHOT_END) {
    lane.next_seq = std::max<uint64_t>(event.next_seq(), 1);
    return true;
  }
  if (event.seq() == 0 || event.seq() < lane.next_seq) return true;
  if (event.seq() != lane.next_seq) return false;
  ++lane.next_seq;
  return true;
}

void Router::Refuse(LaneRefusal reason, std::string_view edge, uint32_t lane_index) {
  Count(reason);
  const auto suppressed = refusals_logged_.Admit();
  if (!suppressed) return;
  log::Warn(log::Core(), "edge_refused",
            {{"edge", log::Text(edge)},
             {"lane", lane_index},
             {"reason", Name(reason)},
             {"suppressed", *suppressed}});
}

bool Router::HasRoomForLane(const signaling::v1::Hello& hello) const {
  return directory_.lanes().size() < limits_.max_lanes &&
         directory_.LanesOf(hello.edge()) < limits_.max_lanes_per_edge;
}

void Router::LimitQueues() {
  size_t total = 0;
  for (const auto& [id, lane] : directory_.lanes()) {
    if (lane->channel) total += lane->channel->memory();
  }
  while (total > limits_.max_queued_bytes_of_lanes) {
    LaneRecord* largest = nullptr;
    for (const auto& [id, lane] : directory_.lanes()) {
      if (lane->channel && (!largest || lane->channel->memory() > largest->channel->memory()))
        largest = lane.get();
    }
    const size_t memory = largest ? largest->channel->memory() : 0;
    if (memory == 0) return;
    total -= memory;
    GiveUp(*largest, LaneEnd::kFull);
  }
}

}  // namespace cairn::core

#include "core/event_rules.h"

#include <algorithm>

#include "core/lane_rules.h"
#include "proto/link/identity.h"

namespace cairn::core {

using signaling::v1::LaneEvent;

namespace {

// Whether the peer is or was the lane's. There may still be relays of a peer that has left: its
// lane resends earlier relays to a new core.
bool SpeaksFor(const Directory& directory, const LaneRecord& lane, uint64_t peer_id,
               uint64_t proof) {
  if (const PeerRecord* peer = directory.Peer(peer_id)) return peer->lane == &lane;
  return !lane.proven || link::PeerIdOf(lane.secret, proof) == peer_id;
}

}  // namespace

std::optional<LaneRefusal> WhyRefusedNow(const Directory& directory, const CoreLimits& limits,
                                         const LaneRecord& lane, const LaneEvent& event) {
  if (const auto reason = WhyRefused(event, limits)) return reason;
  const auto is_foreign = [&](uint64_t peer) {
    return !SpeaksFor(directory, lane, peer, event.proof());
  };
  switch (event.kind()) {
    case LaneEvent::KIND_PEER_OPENED:
      if (is_foreign(event.peer())) return LaneRefusal::kForeignPeer;
      if (lane.share->presence_bytes + PresenceBytesOf(event.info()) >
          limits.max_presence_bytes_per_edge)
        return LaneRefusal::kTooMuch;
      return std::nullopt;
    case LaneEvent::KIND_SUBSCRIBED:
      if (lane.share->presence_bytes + PresenceBytesOf(event.topic()) >
          limits.max_presence_bytes_per_edge)
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
  const PeerRecord* peer = directory.Peer(event.peer());
  if (peer && peer->lane != &lane) return LaneRefusal::kForeignPeer;
  return std::nullopt;
}

bool FollowsLast(LaneRecord& lane, const LaneEvent& event) {
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

bool HasRoomForLane(const Directory& directory, const CoreLimits& limits,
                    const signaling::v1::Hello& hello) {
  return directory.lanes().size() < limits.max_lanes &&
         directory.LanesOf(hello.edge()) < limits.max_lanes_per_edge;
}

}  // namespace cairn::core

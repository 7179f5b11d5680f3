#include "core/peer_scan.h"

namespace cairn::core {

using signaling::v1::PeerFilter;
using signaling::v1::PeerInfo;
using signaling::v1::PeerStats;

namespace {

// The whole filter except the topic.
bool FactsFit(const PeerFilter& filter, const std::string& edge, const PeerInfo& info,
              const PeerStats& stats) {
  if (!filter.edge().empty() && filter.edge() != edge) return false;
  if (!filter.dialect().empty() && filter.dialect() != stats.dialect()) return false;
  if (filter.connected_after_us() != 0 && info.connected_since_us() < filter.connected_after_us())
    return false;
  if (filter.connected_before_us() != 0 &&
      info.connected_since_us() >= filter.connected_before_us())
    return false;
  return info.remote_address().compare(0, filter.address_prefix().size(),
                                       filter.address_prefix()) == 0;
}

}  // namespace

bool Fits(const PeerFilter& filter, const PeerRecord& peer) {
  return FactsFit(filter, peer.lane->edge, peer.info, peer.stats);
}

bool Fits(const PeerFilter& filter, const ClosedPeer& peer) {
  return FactsFit(filter, peer.edge, peer.info, peer.stats);
}

}  // namespace cairn::core

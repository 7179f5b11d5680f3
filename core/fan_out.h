// FanOut: the deliveries that a peer causes, of which its lane is told so that its edge can limit
// them (edge/token_bucket.h).
//
// Thread: the router's; no state but PeerRecord::fan_out.
#ifndef CAIRN_CORE_FAN_OUT_H_
#define CAIRN_CORE_FAN_OUT_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/directory.h"
#include "core/lane_output.h"
#include "core/turn.h"

namespace cairn::core {

// The peer's lane is told when its work has reached this many deliveries.
inline constexpr uint64_t kFanOutPerNotice = 1000;

// Something of the peer went to `reached` subscribers, with that many bytes each.
inline void CountFanOut(LaneOutput& output, PeerRecord& peer, uint64_t reached, size_t bytes) {
  peer.fan_out += reached * Turn::WorkOf(bytes);
  if (peer.fan_out < kFanOutPerNotice) return;
  signaling::v1::Notice* notice = output.For(*peer.lane).add_notices();
  notice->set_kind(signaling::v1::Notice::KIND_FAN_OUT);
  notice->set_peer(peer.id);
  notice->set_count(std::exchange(peer.fan_out, 0));
}

}  // namespace cairn::core

#endif  // CAIRN_CORE_FAN_OUT_H_

// Commands: what an operator orders of the edge that a lane belongs to. The lane is told with its
// next message.
//
// Thread: the router's, inside an AdminCall; no state.
#ifndef CAIRN_CORE_COMMANDS_H_
#define CAIRN_CORE_COMMANDS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "core/directory.h"
#include "core/lane_output.h"

namespace cairn::core {

// The edge closes the peer's connection.
inline void Disconnect(LaneOutput& output, const PeerRecord& peer, uint32_t code,
                       std::string_view reason) {
  signaling::v1::Command* command = output.For(*peer.lane).add_commands();
  command->set_kind(signaling::v1::Command::KIND_DISCONNECT);
  command->set_peer(peer.id);
  command->set_close_code(code);
  command->set_close_reason(std::string(reason));
}

// The edge takes no further connections, closes those that it has, and ends.
inline void Drain(LaneOutput& output, LaneRecord& lane) {
  output.For(lane).add_commands()->set_kind(signaling::v1::Command::KIND_DRAIN);
}

inline void SetLogDirectives(LaneOutput& output, LaneRecord& lane, std::string_view directives) {
  signaling::v1::Command* command = output.For(lane).add_commands();
  command->set_kind(signaling::v1::Command::KIND_LOG_LEVEL);
  command->set_log_directives(std::string(directives));
}

}  // namespace cairn::core

#endif  // CAIRN_CORE_COMMANDS_H_

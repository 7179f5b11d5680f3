// Frames of an edge: unmasked WebSocket frames (RFC 6455 5.2).
#ifndef CAIRN_TESTS_SUPPORT_SERVER_FRAMES_H_
#define CAIRN_TESTS_SUPPORT_SERVER_FRAMES_H_

#include <string>
#include <string_view>

#include "proto/wire/ws_encoder.h"

namespace cairn {

inline std::string Frame(wire::WsOpcode opcode, std::string_view payload) {
  std::string frame;
  wire::AppendWsFrame(opcode, payload, frame);
  return frame;
}

inline std::string DataFrame(size_t payload_bytes, char filling = 'd') {
  return Frame(wire::WsOpcode::kBinary, std::string(payload_bytes, filling));
}

inline std::string PongFrame(std::string_view payload) {
  return Frame(wire::WsOpcode::kPong, payload);
}

}  // namespace cairn

#endif  // CAIRN_TESTS_SUPPORT_SERVER_FRAMES_H_

// The first byte of a WebSocket frame: the FIN bit and the opcodes (RFC 6455 5.2).
#ifndef CAIRN_TESTS_SUPPORT_WS_FIRST_BYTE_H_
#define CAIRN_TESTS_SUPPORT_WS_FIRST_BYTE_H_

#include <cstdint>

#include "proto/wire/ws_encoder.h"

namespace cairn::wire {

inline constexpr uint8_t kFin = 0x80;
inline constexpr uint8_t kContinuation = 0x0;
inline constexpr uint8_t kText = static_cast<uint8_t>(WsOpcode::kText);
inline constexpr uint8_t kBinary = static_cast<uint8_t>(WsOpcode::kBinary);
inline constexpr uint8_t kClose = static_cast<uint8_t>(WsOpcode::kClose);
inline constexpr uint8_t kPing = static_cast<uint8_t>(WsOpcode::kPing);
inline constexpr uint8_t kPong = static_cast<uint8_t>(WsOpcode::kPong);

}  // namespace cairn::wire

#endif  // CAIRN_TESTS_SUPPORT_WS_FIRST_BYTE_H_

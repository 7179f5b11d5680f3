// The first byte of a WebSocket frame: the FIN bit and the opcodes (RFC 6455 5.2).
#ifndef CAIRN_TESTS_SUPPORT_WS_FIRST_BYTE_H_
#define CAIRN_TESTS_SUPPORT_WS_FIRST_BYTE_H_

#include <cstdint>

namespace cairn::wire {

inline constexpr uint8_t kFin = 0x80;
inline constexpr uint8_t kContinuation = 0x0;
inline constexpr uint8_t kText = 0x1;
inline constexpr uint8_t kBinary = 0x2;
inline constexpr uint8_t kClose = 0x8;
inline constexpr uint8_t kPing = 0x9;
inline constexpr uint8_t kPong = 0xA;

}  // namespace cairn::wire

#endif  // CAIRN_TESTS_SUPPORT_WS_FIRST_BYTE_H_

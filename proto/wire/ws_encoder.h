// The sending half of RFC 6455 for a server: unmasked, unfragmented frames, shortest length form.
//
// Form:   FIN and opcode (1 byte); length (1, 3 or 9 bytes: to 125, to 65,535, above); payload
//         (5.2). Everything is appended to the caller's buffer, so that many frames make one write.
// Thread: any; no state.
#ifndef CAIRN_PROTO_WIRE_WS_ENCODER_H_
#define CAIRN_PROTO_WIRE_WS_ENCODER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::wire {

// The low four bits of a frame's first byte (RFC 6455 5.2).
enum class WsOpcode : uint8_t {
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xA,
};

// The header of a frame with `payload_bytes` to follow: its size, and the header itself, written to
// memory that has room for it. Returns its end.
constexpr size_t WsHeaderSize(size_t payload_bytes) {
  return payload_bytes <= 125 ? 2 : payload_bytes <= 0xFFFF ? 4 : 10;
}
char* WriteWsHeader(WsOpcode opcode, size_t payload_bytes, char* to);

// Appends the header of a frame with `payload_bytes` to follow: 2, 4 or 10 bytes.
void AppendWsHeader(WsOpcode opcode, size_t payload_bytes, std::string& out);

// Appends a whole frame. REQUIRES: at most 125 bytes for a control opcode.
void AppendWsFrame(WsOpcode opcode, std::string_view payload, std::string& out);

// Appends a Close frame. Code 0: an empty one (RFC 6455 5.5.1), without the reason. A reason is cut
// to 123 bytes or a little less, so that no character is cut in two. REQUIRES: the reason is UTF-8.
void AppendWsClose(uint16_t code, std::string_view reason, std::string& out);

// Size of the first frame in `frames`, header included. REQUIRES: `frames` starts with a whole
// frame header that AppendWsHeader() made.
size_t WsFrameSize(std::string_view frames);

// Removes the first frame and returns it. REQUIRES: whole frames, as above.
std::string_view TakeWsFrame(std::string_view& frames);

}  // namespace cairn::wire

#endif  // CAIRN_PROTO_WIRE_WS_ENCODER_H_

// The few HTTP/2 frames (RFC 9113) that the core's acceptor reads and writes itself.
#ifndef CAIRN_CORE_HTTP2_FRAMES_H_
#define CAIRN_CORE_HTTP2_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::core::http2 {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kFrameHeaderBytes = 9;
constexpr size_t kMaxFramePayload = 16 << 10;  // SETTINGS_MAX_FRAME_SIZE as it is by default

// Frame types.
constexpr uint8_t kData = 0, kHeaders = 1, kPriority = 2, kReset = 3, kSettings = 4, kPing = 6,
                  kGoAway = 7, kWindowUpdate = 8, kContinuation = 9;
// Flags.
constexpr uint8_t kAck = 0x1, kEndStream = 0x1, kEndHeaders = 0x4, kPadded = 0x8,
                  kWithPriority = 0x20;
// Settings.
constexpr uint16_t kMaxConcurrentStreams = 3, kMaxHeaderListSize = 6;

std::string Frame(uint8_t type, uint8_t flags, uint32_t stream_id, std::string_view payload);
// One setting, as it stands in the payload of SETTINGS.
std::string Setting(uint16_t id, uint32_t value);

// A whole answer to a gRPC call, and the end of its connection. `status` is gRPC's; `message` must
// be printable ASCII.
std::string Refusal(uint32_t stream_id, int status, std::string_view message);
// What grpc.health.v1.Health/Check of a server that serves answers, and the end of its connection.
std::string Serving(uint32_t stream_id);

}  // namespace cairn::core::http2

#endif  // CAIRN_CORE_HTTP2_FRAMES_H_

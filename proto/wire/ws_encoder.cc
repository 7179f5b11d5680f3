#include "proto/wire/ws_encoder.h"

#include <array>
#include <cassert>

namespace cairn::wire {
namespace {

// RFC 6455 5.2.
constexpr uint8_t kFin = 0x80;
constexpr uint8_t kLength16 = 126;
constexpr uint8_t kLength64 = 127;

// RFC 6455 5.5; a close reason stands behind two bytes of code.
constexpr size_t kMaxControlBytes = 125;
constexpr size_t kMaxCloseReasonBytes = kMaxControlBytes - 2;

[[maybe_unused]] bool IsControl(WsOpcode opcode) {
  return (static_cast<uint8_t>(opcode) & 0x08) != 0;
}

inline char* WriteBigEndian(uint64_t value, size_t bytes, char* to) {
  for (size_t shift = bytes * 8; shift > 0; shift -= 8) {
    *to++ = static_cast<char>(value >> (shift - 8) & 0xFF);
  }
  return to;
}

uint64_t ReadBigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

// The longest beginning of `text` that fits and ends with a whole character: continuation bytes are
// 10xxxxxx.
std::string_view CutAtCharacter(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

char* WriteWsHeader(WsOpcode opcode, size_t payload_bytes, char* to) {
  assert(!IsControl(opcode) || payload_bytes <= kMaxControlBytes);
  *to++ = static_cast<char>(kFin | static_cast<uint8_t>(opcode));
  switch (WsHeaderSize(payload_bytes)) {
    case 2:
      *to++ = static_cast<char>(payload_bytes);
      return to;
    case 4:
      *to++ = static_cast<char>(kLength16);
      return WriteBigEndian(payload_bytes, 2, to);
    default:
      *to++ = static_cast<char>(kLength64);
      return WriteBigEndian(payload_bytes, 8, to);
  }
}

void AppendWsHeader(WsOpcode opcode, size_t payload_bytes, std::string& out) {
  const size_t before = out.size();
  out.resize(before + WsHeaderSize(payload_bytes));
  WriteWsHeader(opcode, payload_bytes, out.data() + before);
}

void AppendWsFrame(WsOpcode opcode, std::string_view payload, std::string& out) {
  AppendWsHeader(opcode, payload.size(), out);
  out.append(payload);
}

void AppendWsClose(uint16_t code, std::string_view reason, std::string& out) {
  if (code == 0) return AppendWsHeader(WsOpcode::kClose, 0, out);
  reason = CutAtCharacter(reason, kMaxCloseReasonBytes);
  AppendWsHeader(WsOpcode::kClose, 2 + reason.size(), out);
  std::array<char, 2> big_endian;
  WriteBigEndian(code, big_endian.size(), big_endian.data());
  out.append(big_endian.data(), big_endian.size());
  out.append(reason);
}

size_t WsFrameSize(std::string_view frames) {
  assert(frames.size() >= 2);
  const auto length = static_cast<uint8_t>(frames[1]);
  if (length < kLength16) return 2 + size_t{length};
  const size_t width = length == kLength16 ? 2 : 8;
  assert(frames.size() >= 2 + width);
  return 2 + width + ReadBigEndian(frames.substr(2, width));
}

std::string_view TakeWsFrame(std::string_view& frames) {
  const std::string_view first = frames.substr(0, WsFrameSize(frames));
  frames.remove_prefix(first.size());
  return first;
}

}  // namespace cairn::wire

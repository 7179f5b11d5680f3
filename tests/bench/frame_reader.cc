#include "tests/bench/frame_reader.h"

#include <cstddef>

namespace cairn::bench {
namespace {

uint64_t BigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

}  // namespace

FrameStatus TakeFrame(std::string_view& in, Frame& frame) {
  if (in.size() < 2) return FrameStatus::kNeedMore;
  const auto first = static_cast<uint8_t>(in[0]);
  const auto second = static_cast<uint8_t>(in[1]);
  // FIN alone in the upper half; no mask.
  if ((first & 0xf0) != 0x80 || (second & 0x80) != 0) return FrameStatus::kBroken;
  size_t head = 2;
  uint64_t length = second;
  if (length >= 126) {
    head = length == 126 ? 4 : 10;
    if (in.size() < head) return FrameStatus::kNeedMore;
    const uint64_t least = length == 126 ? 126 : 65536;
    length = BigEndian(in.substr(2, head - 2));
    if (length < least) return FrameStatus::kBroken;
  }
  if (in.size() - head < length) return FrameStatus::kNeedMore;
  frame.opcode = first & 0x0f;
  frame.payload = in.substr(head, length);
  in.remove_prefix(head + length);
  return FrameStatus::kFrame;
}

}  // namespace cairn::bench

#include "proto/wire/utf8.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace cairn::wire {
namespace {

// Topics are ASCII nearly always: 32 bytes in one test, or eight.
inline const char* SkipAscii(const char* at, const char* end) {
  constexpr uint64_t kHighBits = 0x8080'8080'8080'8080;
  for (std::array<uint64_t, 4> words; end - at >= 32; at += 32) {
    std::memcpy(words.data(), at, sizeof words);
    if (((words[0] | words[1] | words[2] | words[3]) & kHighBits) != 0) break;
  }
  while (end - at >= 8) {
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    if ((word & kHighBits) != 0) break;
    at += 8;
  }
  while (at != end && static_cast<uint8_t>(*at) < 0x80) ++at;
  return at;
}

bool IsBetween(char byte, uint8_t low, uint8_t high) {
  const auto value = static_cast<uint8_t>(byte);
  return value >= low && value <= high;
}

// Bytes of the multi-byte character at the front of `text`, 0 if it cannot be one. More than
// text.size(): what is there is its beginning. The bounds of its second byte rule out overlong
// forms, surrogates and what is above U+10FFFF (RFC 3629 section 4).
size_t MultiByteLength(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < 2) return length;
  const uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (!IsBetween(text[1], low, high)) return 0;
  for (size_t i = 2; i < std::min(length, text.size()); ++i) {
    if (!IsBetween(text[i], 0x80, 0xbf)) return 0;
  }
  return length;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  const char* const end = text.data() + text.size();
  return SkipAscii(text.data(), end) == end || UnfinishedUtf8(text) == size_t{0};
}

std::optional<size_t> UnfinishedUtf8(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* at = SkipAscii(text.data(), end);
  while (at != end) {
    const auto left = static_cast<size_t>(end - at);
    const size_t length = MultiByteLength({at, left});
    if (length == 0) return std::nullopt;
    if (length > left) return left;
    at = SkipAscii(at + length, end);
  }
  return 0;
}

}  // namespace cairn::wire

// The clients' frames as the floor's processes read and write them: RFC 6455 and CBOR of clients
// that keep to both.
//
// Thread: any.
#ifndef CAIRN_TESTS_BENCH_FLOOR_FRAMES_H_
#define CAIRN_TESTS_BENCH_FLOOR_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace cairn::bench {

inline constexpr std::string_view kRelayHead = "\xa1\x65Relay\xa2\x65topic";

inline void AppendHeader(uint8_t opcode, size_t length, std::string& out) {
  out.push_back(static_cast<char>(0x80 | opcode));
  if (length < 126) {
    out.push_back(static_cast<char>(length));
  } else {
    const bool is_wide = length > 0xffff;
    out.push_back(is_wide ? '\x7f' : '\x7e');
    for (int shift = is_wide ? 56 : 8; shift >= 0; shift -= 8)
      out.push_back(static_cast<char>(length >> shift));
  }
}

// The text after its head of one, two or three bytes, which is all that a topic needs.
inline std::string_view ReadText(std::string_view in) {
  if (in.size() < 3) return {};
  const uint8_t info = static_cast<uint8_t>(in[0]) & 31;
  const auto byte = [in](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(in[i])); };
  if (info < 24) return in.substr(1, info);
  return info == 24 ? in.substr(2, byte(1)) : in.substr(3, byte(1) << 8 | byte(2));
}

inline void Unmask(char* at, size_t length, const char* key) {
  uint64_t wide = 0;
  std::memcpy(&wide, key, 4);
  wide |= wide << 32;
  size_t i = 0;
  for (; i + 8 <= length; i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, at + i, 8);
    word ^= wide;
    std::memcpy(at + i, &word, 8);
  }
  for (; i < length; ++i) at[i] = static_cast<char>(at[i] ^ key[i % 4]);
}

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_FLOOR_FRAMES_H_

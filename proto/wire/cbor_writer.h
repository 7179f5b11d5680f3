// Writes single CBOR items in their shortest form (RFC 8949 section 4.2.1).
#ifndef CAIRN_PROTO_WIRE_CBOR_WRITER_H_
#define CAIRN_PROTO_WIRE_CBOR_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::wire {

// Bytes of the argument after the initial byte: 0, 1, 2, 4 or 8, the fewest that hold `value`.
constexpr size_t ArgumentSize(uint64_t value) {
  if (value < 24) return 0;
  if (value <= UINT8_MAX) return 1;
  if (value <= UINT16_MAX) return 2;
  return value <= UINT32_MAX ? 4 : 8;
}

// Of a byte or text string.
constexpr size_t StringSize(std::string_view content) {
  return 1 + ArgumentSize(content.size()) + content.size();
}

void AppendUnsigned(uint64_t value, std::string& out);
void AppendBytes(std::string_view content, std::string& out);
// REQUIRES: `content` is UTF-8.
void AppendText(std::string_view content, std::string& out);
// The head of a map; `pairs` keys and values follow.
void AppendMap(uint64_t pairs, std::string& out);

// The same into memory that has StringSize() bytes of room; returns the end of what was written.
char* WriteBytes(std::string_view content, char* to);
char* WriteText(std::string_view content, char* to);

}  // namespace cairn::wire

#endif  // CAIRN_PROTO_WIRE_CBOR_WRITER_H_

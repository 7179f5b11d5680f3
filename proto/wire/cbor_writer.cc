#include "proto/wire/cbor_writer.h"

#include <algorithm>

namespace cairn::wire {
namespace {

// Major types, in the upper three bits of an initial byte.
constexpr uint8_t kUnsigned = 0x00;
constexpr uint8_t kBytes = 0x40;
constexpr uint8_t kText = 0x60;
constexpr uint8_t kMap = 0xa0;

constexpr uint8_t AdditionalInformation(uint64_t value) {
  switch (ArgumentSize(value)) {
    case 0:
      return static_cast<uint8_t>(value);
    case 1:
      return 24;
    case 2:
      return 25;
    case 4:
      return 26;
    default:
      return 27;
  }
}

inline char* WriteHead(uint8_t major, uint64_t value, char* to) {
  *to++ = static_cast<char>(major | AdditionalInformation(value));
  for (size_t left = ArgumentSize(value); left > 0; --left) {
    *to++ = static_cast<char>(value >> (8 * (left - 1)) & 0xff);
  }
  return to;
}

char* WriteString(uint8_t major, std::string_view content, char* to) {
  to = WriteHead(major, content.size(), to);
  return std::copy(content.begin(), content.end(), to);
}

void AppendHead(uint8_t major, uint64_t value, std::string& out) {
  const size_t before = out.size();
  out.resize(before + 1 + ArgumentSize(value));
  WriteHead(major, value, out.data() + before);
}

}  // namespace

void AppendUnsigned(uint64_t value, std::string& out) { AppendHead(kUnsigned, value, out); }

void AppendBytes(std::string_view content, std::string& out) {
  AppendHead(kBytes, content.size(), out);
  out.append(content);
}

void AppendText(std::string_view content, std::string& out) {
  AppendHead(kText, content.size(), out);
  out.append(content);
}

void AppendMap(uint64_t pairs, std::string& out) { AppendHead(kMap, pairs, out); }

char* WriteBytes(std::string_view content, char* to) { return WriteString(kBytes, content, to); }

char* WriteText(std::string_view content, char* to) { return WriteString(kText, content, to); }

}  // namespace cairn::wire

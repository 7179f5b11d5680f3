#include "proto/wire/message_writer.h"

#include <cstdint>

namespace cairn::wire {
namespace {

// Initial bytes of a string: the major type in the upper three bits.
constexpr uint8_t kBytes = 0x40;
constexpr uint8_t kText = 0x60;

constexpr std::string_view kBeforeTopic = "\xa1\x65Relay\xa2\x65topic";
constexpr std::string_view kBeforePayload = "\x67payload";

// Bytes of the argument after the initial byte: 0, 1, 2, 4 or 8, the fewest that hold `length`.
constexpr size_t ArgumentSize(uint64_t length) {
  if (length < 24) return 0;
  if (length <= UINT8_MAX) return 1;
  if (length <= UINT16_MAX) return 2;
  return length <= UINT32_MAX ? 4 : 8;
}

constexpr size_t StringSize(std::string_view content) {
  return 1 + ArgumentSize(content.size()) + content.size();
}

constexpr uint8_t AdditionalInformation(uint64_t length) {
  switch (ArgumentSize(length)) {
    case 0:
      return static_cast<uint8_t>(length);
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

void AppendString(uint8_t major, std::string_view content, std::string& out) {
  const uint64_t length = content.size();
  out.push_back(static_cast<char>(major | AdditionalInformation(length)));
  for (size_t left = ArgumentSize(length); left > 0; --left) {
    out.push_back(static_cast<char>(length >> (8 * (left - 1)) & 0xff));
  }
  out.append(content);
}

}  // namespace

size_t RelaySize(std::string_view topic, std::string_view payload) {
  return kBeforeTopic.size() + StringSize(topic) + kBeforePayload.size() + StringSize(payload);
}

void AppendRelay(std::string_view topic, std::string_view payload, std::string& out) {
  out.reserve(out.size() + RelaySize(topic, payload));
  out.append(kBeforeTopic);
  AppendString(kText, topic, out);
  out.append(kBeforePayload);
  AppendString(kBytes, payload, out);
}

}  // namespace cairn::wire

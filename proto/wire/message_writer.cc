#include "proto/wire/message_writer.h"

#include <algorithm>

#include "proto/wire/cbor_writer.h"

namespace cairn::wire {
namespace {

constexpr std::string_view kBeforeTopic = "\xa1\x65Relay\xa2\x65topic";
constexpr std::string_view kBeforePayload = "\x67payload";

}  // namespace

size_t RelaySize(std::string_view topic, std::string_view payload) {
  return kBeforeTopic.size() + StringSize(topic) + kBeforePayload.size() + StringSize(payload);
}

char* WriteRelay(std::string_view topic, std::string_view payload, char* to) {
  to = std::copy(kBeforeTopic.begin(), kBeforeTopic.end(), to);
  to = WriteText(topic, to);
  to = std::copy(kBeforePayload.begin(), kBeforePayload.end(), to);
  return WriteBytes(payload, to);
}

void AppendRelay(std::string_view topic, std::string_view payload, std::string& out) {
  const size_t before = out.size();
  out.resize(before + RelaySize(topic, payload));
  WriteRelay(topic, payload, out.data() + before);
}

}  // namespace cairn::wire

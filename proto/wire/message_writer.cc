#include "proto/wire/message_writer.h"

#include "proto/wire/cbor_writer.h"

namespace cairn::wire {
namespace {

constexpr std::string_view kBeforeTopic = "\xa1\x65Relay\xa2\x65topic";
constexpr std::string_view kBeforePayload = "\x67payload";

}  // namespace

size_t RelaySize(std::string_view topic, std::string_view payload) {
  return kBeforeTopic.size() + StringSize(topic) + kBeforePayload.size() + StringSize(payload);
}

void AppendRelay(std::string_view topic, std::string_view payload, std::string& out) {
  out.reserve(out.size() + RelaySize(topic, payload));
  out.append(kBeforeTopic);
  AppendText(topic, out);
  out.append(kBeforePayload);
  AppendBytes(payload, out);
}

}  // namespace cairn::wire

#include "proto/wire/json_message.h"

#include <absl/strings/escaping.h>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <utility>

namespace cairn::wire {
namespace {

namespace json = boost::json;

// On the stack: enough for a message of the usual size without touching the heap.
constexpr size_t kParseBuffer = 4096;

std::optional<std::string> StringMember(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
  if (!value || !value->is_string()) return std::nullopt;
  return std::string(value->get_string().data(), value->get_string().size());
}

bool IsHex(std::string_view text) {
  return text.size() % 2 == 0 && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos;
}

std::optional<std::string> FromHex(std::string_view text) {
  if (text.empty() || !IsHex(text)) return std::nullopt;
  return absl::HexStringToBytes(absl::string_view(text.data(), text.size()));
}

// Absent is well. Anything but hex would cost a Python client the whole answer that it stands in.
bool ReadPeerId(const json::object& object, JsonMessage& out) {
  if (!object.contains("peer_id")) return true;
  std::optional<std::string> peer_id = StringMember(object, "peer_id");
  if (!peer_id || peer_id->size() > kMaxPeerIdBytes || !IsHex(*peer_id)) return false;
  out.peer_id = *std::move(peer_id);
  return true;
}

bool ReadAddresses(const json::object& object, JsonMessage& out) {
  const json::value* value = object.if_contains("addresses");
  if (!value || !value->is_array() || value->get_array().size() > kMaxAddresses) return false;
  for (const json::value& address : value->get_array()) {
    if (!address.is_string() || address.get_string().size() > kMaxAddressBytes) return false;
    out.addresses.emplace_back(address.get_string().data(), address.get_string().size());
  }
  if (out.addresses.size() != 1) return true;
  if (std::optional<std::string> blob = FromHex(out.addresses.front())) {
    out.blob = *std::move(blob);
    out.addresses.clear();
  }
  return true;
}

}  // namespace

JsonFault ReadJsonMessage(std::string_view text, JsonMessage& out) {
  unsigned char buffer[kParseBuffer];
  json::monotonic_resource memory(buffer);
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::error_code error;
  const json::value value =
      json::parse(json::string_view(text.data(), text.size()), error, &memory, options);
  if (error) return JsonFault::kMalformed;
  if (!value.is_object()) return JsonFault::kNotAMessage;
  const json::object& object = value.get_object();
  std::optional<std::string> topic = StringMember(object, "topic");
  const std::optional<std::string> type = StringMember(object, "type");
  if (!topic || !type) return JsonFault::kNotAMessage;
  out = JsonMessage();
  out.topic = *std::move(topic);
  if (*type == "query") return JsonFault::kNone;
  if (*type == "publish") {
    out.kind = JsonMessage::Kind::kPublish;
    const std::optional<std::string> payload = StringMember(object, "payload");
    return payload && absl::Base64Unescape(*payload, &out.blob) ? JsonFault::kNone
                                                                : JsonFault::kNotAMessage;
  }
  if (*type == "announce") {
    out.kind = JsonMessage::Kind::kAnnounce;
    return ReadPeerId(object, out) && ReadAddresses(object, out) ? JsonFault::kNone
                                                                 : JsonFault::kNotAMessage;
  }
  return JsonFault::kNotAMessage;
}

}  // namespace cairn::wire

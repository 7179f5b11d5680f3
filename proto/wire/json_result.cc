#include "proto/wire/json_result.h"

#include <absl/strings/escaping.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

namespace cairn::wire {
namespace {

namespace json = boost::json;

std::string Quoted(std::string_view text) {
  return json::serialize(json::string_view(text.data(), text.size()));
}

std::string AddressArray(const std::vector<std::string>& addresses) {
  json::array array;
  for (const std::string& address : addresses)
    array.emplace_back(json::string_view(address.data(), address.size()));
  return json::serialize(array);
}

std::string PeerEntry(const PublishedRecord& record, bool plain_addresses) {
  std::string entry = "{\"peer_id\":" + Quoted(record.peer_id) + ",\"addresses\":";
  if (record.addresses.empty() && record.blob.empty()) {
    // Announced without any address, or nothing at all: an empty string would be an address too.
    entry += "[]";
  } else if (plain_addresses && !record.addresses.empty()) {
    entry += AddressArray(record.addresses);
  } else {
    entry += "[\"" + absl::BytesToHexString(BlobOf(record)) + "\"]";
  }
  return entry + "}";
}

}  // namespace

std::string BlobOf(const PublishedRecord& record) {
  return record.addresses.empty() ? record.blob : AddressArray(record.addresses);
}

JsonResult WriteJsonResult(std::string_view topic, const std::vector<PublishedRecord>& records,
                           bool plain_addresses, size_t max_bytes) {
  const std::string head = "{\"type\":\"result\",\"topic\":" + Quoted(topic) + ",\"payload\":";
  const std::string between = ",\"peers\":[";
  const std::string tail = "]}";
  const size_t frame = head.size() + between.size() + tail.size();
  std::string payload =
      records.empty() ? "null" : "\"" + absl::Base64Escape(BlobOf(records.front())) + "\"";
  JsonResult result;
  result.has_payload = !records.empty() && frame + payload.size() <= max_bytes;
  if (!result.has_payload) payload = "null";
  std::string peers;
  for (const PublishedRecord& record : records) {
    const std::string entry = PeerEntry(record, plain_addresses);
    const size_t comma = peers.empty() ? 0 : 1;
    if (frame + payload.size() + peers.size() + comma + entry.size() > max_bytes) {
      ++result.left_out;
      continue;
    }
    if (comma) peers += ',';
    peers += entry;
  }
  result.text = head + payload + between + peers + tail;
  return result;
}

bool FitsJsonResult(std::string_view topic, const PublishedRecord& record) {
  const auto fits = [&](bool plain_addresses) {
    const JsonResult result =
        WriteJsonResult(topic, {record}, plain_addresses, kMaxLargeResultBytes);
    return result.left_out == 0 || result.has_payload;
  };
  // Each of the forms is at most six times as long as what it says.
  size_t bytes = topic.size() + record.peer_id.size() + record.blob.size();
  for (const std::string& address : record.addresses) bytes += address.size() + 3;
  if (bytes < kMaxLargeResultBytes / 6 - 100) return true;
  return fits(true) || fits(false);
}

std::string WriteJsonAck(std::string_view topic) {
  return "{\"type\":\"ack\",\"topic\":" + Quoted(topic) + "}";
}

std::string WriteJsonRefusal(std::string_view topic, std::string_view reason) {
  return "{\"type\":\"error\",\"topic\":" + Quoted(topic) + ",\"reason\":" + Quoted(reason) + "}";
}

}  // namespace cairn::wire

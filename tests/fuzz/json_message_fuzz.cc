// Reads any bytes as a JSON message and checks the invariants of accepted ones, besides not
// crashing:
//   - the result is within its bounds, and a peer id and a blob have valid forms;
//   - written in the canonical form of another library, it has the same meaning;
//   - published, its answers are JSON to a parser, within their bound, and give the blob or the
//   addresses back.
// Input: 1 byte that chooses how many records the answer is about, then the text, which need not be
// UTF-8.
#include <absl/strings/escaping.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/json_message.h"
#include "proto/wire/json_result.h"
#include "proto/wire/utf8.h"

namespace cairn::wire {
namespace {

namespace json = boost::json;

void Expect(bool holds) {
  if (!holds) std::abort();
}

std::string_view View(const json::string& text) { return {text.data(), text.size()}; }

bool IsBase64Of(const json::string& text, const std::string& blob) {
  std::string bytes;
  return absl::Base64Unescape(absl::string_view(text.data(), text.size()), &bytes) && bytes == blob;
}

void ExpectBounded(const JsonMessage& message) {
  Expect(message.peer_id.size() <= kMaxPeerIdBytes && message.peer_id.size() % 2 == 0);
  Expect(message.peer_id.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos);
  Expect(message.addresses.size() <= kMaxAddresses);
  for (const std::string& address : message.addresses) Expect(address.size() <= kMaxAddressBytes);
  Expect(message.blob.empty() || message.addresses.empty());
  if (message.kind == JsonMessage::Kind::kPublish) Expect(message.addresses.empty());
  if (message.kind != JsonMessage::Kind::kAnnounce) Expect(message.peer_id.empty());
}

// As the Go library announces a blob, or the Python library its addresses.
void ExpectSameWhenAnnounced(const JsonMessage& message) {
  json::array addresses;
  for (const std::string& address : message.addresses) addresses.emplace_back(address);
  if (!message.blob.empty()) addresses.emplace_back(absl::BytesToHexString(message.blob));
  // A blob may be longer than an address.
  if (addresses.size() == 1 && addresses[0].get_string().size() > kMaxAddressBytes) return;
  json::object announce = {
      {"type", "announce"}, {"topic", message.topic}, {"addresses", std::move(addresses)}};
  if (!message.peer_id.empty()) announce["peer_id"] = message.peer_id;
  JsonMessage again;
  Expect(ReadJsonMessage(json::serialize(announce), again) == JsonFault::kNone);
  Expect(again.topic == message.topic && again.blob == message.blob &&
         again.addresses == message.addresses && again.peer_id == message.peer_id);
}

void ExpectPeer(const json::object& peer, const PublishedRecord& record, bool plain_addresses) {
  Expect(View(peer.at("peer_id").as_string()) == record.peer_id);
  const json::array& addresses = peer.at("addresses").as_array();
  if (plain_addresses && !record.addresses.empty()) {
    Expect(addresses.size() == record.addresses.size());
    for (size_t i = 0; i < addresses.size(); ++i)
      Expect(View(addresses[i].as_string()) == record.addresses[i]);
    return;
  }
  const std::string blob = BlobOf(record);
  Expect(addresses.size() == (blob.empty() ? 0 : 1));
  if (!blob.empty()) Expect(View(addresses[0].as_string()) == absl::BytesToHexString(blob));
}

void ExpectAnswers(const std::string& topic, const PublishedRecord& record, size_t count) {
  const std::vector<PublishedRecord> records(count, record);
  const std::string blob = BlobOf(record);
  for (const bool plain_addresses : {false, true}) {
    const JsonResult result = WriteJsonResult(topic, records, plain_addresses);
    const size_t topic_alone = json::serialize(json::string_view(topic)).size() + 64;
    Expect(result.text.size() <= std::max(kMaxResultBytes, topic_alone));
    Expect(IsUtf8(result.text));
    const json::object answer = json::parse(result.text).as_object();
    Expect(answer.size() == 4 && answer.at("type").as_string() == "result");
    Expect(View(answer.at("topic").as_string()) == topic);
    const json::value& payload = answer.at("payload");
    Expect(payload.is_null() || IsBase64Of(payload.as_string(), blob));
    const json::array& peers = answer.at("peers").as_array();
    Expect(peers.size() + result.left_out == count);
    for (const json::value& peer : peers) ExpectPeer(peer.as_object(), record, plain_addresses);
  }
  if (!record.addresses.empty())
    Expect(json::parse(blob).as_array().size() == record.addresses.size());
}

void ReadOnce(std::string_view text, size_t count) {
  JsonMessage message;
  if (ReadJsonMessage(text, message) != JsonFault::kNone) return;
  ExpectBounded(message);
  if (!IsUtf8(text)) return;  // the WebSocket layer lets none through
  Expect(IsUtf8(message.topic));
  const json::value ack = json::parse(WriteJsonAck(message.topic));
  Expect(View(ack.at("topic").as_string()) == message.topic);
  if (message.kind == JsonMessage::Kind::kQuery) return ExpectAnswers(message.topic, {}, 0);
  ExpectSameWhenAnnounced(message);
  ExpectAnswers(message.topic, {message.peer_id, message.blob, message.addresses}, count);
}

}  // namespace
}  // namespace cairn::wire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  cairn::wire::ReadOnce({reinterpret_cast<const char*>(data) + 1, size - 1}, 1 + data[0] % 16);
  return 0;
}

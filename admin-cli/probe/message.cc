#include "admin-cli/probe/message.h"

#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <absl/strings/strip.h>
#include <fmt/format.h>
#include <openssl/rand.h>

#include "base/check.h"
#include "proto/wire/message_reader.h"
#include "proto/wire/message_writer.h"

namespace cairn::admin {
namespace {

// As long as real handshake messages are.
constexpr size_t kPayloadBytes = 200;
constexpr absl::string_view kPrefix = "cairn-admin probe ";

}  // namespace

std::string RandomTopic() {
  unsigned char bytes[32];
  CAIRN_CHECK(RAND_bytes(bytes, sizeof bytes) == 1);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes), sizeof bytes));
}

std::string SubscribeMessage(std::string_view topic) {
  // {"Subscribe": {"topic": text}}; a text of 24 to 255 bytes has one byte of length (RFC 8949
  // section 3).
  CAIRN_CHECK(topic.size() >= 24 && topic.size() < 256);
  std::string message = "\xa1\x69Subscribe\xa1\x65topic\x78";
  message += static_cast<char>(topic.size());
  return message.append(topic);
}

std::string NumberedMessage(std::string_view topic, uint32_t number) {
  std::string payload = fmt::format("{}{} ", std::string(kPrefix), number);
  payload.resize(kPayloadBytes, '.');
  std::string message;
  wire::AppendRelay(topic, payload, message);
  return message;
}

std::optional<uint32_t> ReadNumber(std::string_view message, std::string_view topic) {
  wire::MessageReader reader;
  const wire::DecodeResult result = reader.Read(message);
  if (result.fault != wire::DecodeFault::kNone ||
      result.message.kind != wire::MessageKind::kRelay || result.message.topic != topic ||
      result.message.payload.size() != kPayloadBytes) {
    return std::nullopt;
  }
  absl::string_view payload(result.message.payload.data(), result.message.payload.size());
  uint32_t number = 0;
  if (!absl::ConsumePrefix(&payload, kPrefix)) return std::nullopt;
  if (!absl::SimpleAtoi(payload.substr(0, payload.find(' ')), &number)) return std::nullopt;
  return number;
}

}  // namespace cairn::admin

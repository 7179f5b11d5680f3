#include "proto/wire/v2_writer.h"

#include "proto/wire/cbor_writer.h"

namespace cairn::wire {
namespace {

void Open(std::string_view name, uint64_t fields, std::string& out) {
  AppendMap(1, out);
  AppendText(name, out);
  AppendMap(fields, out);
}

void Text(std::string_view key, std::string_view value, std::string& out) {
  AppendText(key, out);
  AppendText(value, out);
}

void Number(std::string_view key, uint64_t value, std::string& out) {
  AppendText(key, out);
  AppendUnsigned(value, out);
}

void AppendPresence(std::string_view name, std::string_view topic, std::string_view peer,
                    std::string& out) {
  Open(name, 2, out);
  Text("topic", topic, out);
  Text("peer", peer, out);
}

}  // namespace

void AppendWelcome(const Welcome& welcome, std::string& out) {
  Open("Welcome", 3, out);
  Text("peer", welcome.peer, out);
  Number("time", welcome.time_ms, out);
  AppendText("limits", out);
  AppendMap(3, out);
  Number("message", welcome.max_message_bytes, out);
  Number("topic", welcome.max_topic_bytes, out);
  Number("topics", welcome.max_topics, out);
}

void AppendSubscribed(std::string_view topic, uint64_t others, std::string& out) {
  Open("Subscribed", 2, out);
  Text("topic", topic, out);
  Number("others", others, out);
}

void AppendJoined(std::string_view topic, std::string_view peer, std::string& out) {
  AppendPresence("Joined", topic, peer, out);
}

void AppendLeft(std::string_view topic, std::string_view peer, std::string& out) {
  AppendPresence("Left", topic, peer, out);
}

void AppendMissed(std::string_view topic, std::string& out) {
  Open("Missed", 1, out);
  Text("topic", topic, out);
}

void AppendRelayFrom(std::string_view topic, std::string_view payload, std::string_view from,
                     std::string& out) {
  Open("Relay", 3, out);
  Text("topic", topic, out);
  AppendText("payload", out);
  AppendBytes(payload, out);
  Text("from", from, out);
}

void AppendReceipt(uint64_t id, uint64_t reached, std::string& out) {
  Open("Receipt", 2, out);
  Number("id", id, out);
  Number("reached", reached, out);
}

void AppendError(std::string_view code, std::string_view text, std::string& out) {
  Open("Error", 2, out);
  Text("code", code, out);
  Text("text", text, out);
}

void AppendDraining(uint64_t wait_ms, std::string& out) {
  Open("Draining", 1, out);
  Number("wait", wait_ms, out);
}

}  // namespace cairn::wire

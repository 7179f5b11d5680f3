// What the server says in the dialect cairn.signal.v2, in canonical form, in the style of the
// native messages.
//
//   {"Welcome":    {"peer": tstr, "time": uint (Unix ms), "limits": {"message": uint, "topic":
//   uint, "topics": uint}}}
//   {"Subscribed": {"topic": tstr, "others": uint}}
//   {"Joined":     {"topic": tstr, "peer": tstr}}       {"Left": …} likewise
//   {"Missed":     {"topic": tstr}}
//   {"Relay":      {"topic": tstr, "payload": bstr, "from": tstr}}
//   {"Receipt":    {"id": uint, "reached": uint}}
//   {"Error":      {"code": tstr, "text": tstr}}
//   {"Draining":   {"wait": uint (ms)}}
//
// Peers are named by 16 hex digits. docs/PROTOCOL.md says when each is sent.
#ifndef CAIRN_PROTO_WIRE_V2_WRITER_H_
#define CAIRN_PROTO_WIRE_V2_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::wire {

struct Welcome {
  std::string_view peer;
  uint64_t time_ms = 0;
  uint64_t max_message_bytes = 0;
  uint64_t max_topic_bytes = 0;
  uint64_t max_topics = 0;
};

void AppendWelcome(const Welcome& welcome, std::string& out);
void AppendSubscribed(std::string_view topic, uint64_t others, std::string& out);
void AppendJoined(std::string_view topic, std::string_view peer, std::string& out);
void AppendLeft(std::string_view topic, std::string_view peer, std::string& out);
// Relays of the topic may have been lost.
void AppendMissed(std::string_view topic, std::string& out);
void AppendRelayFrom(std::string_view topic, std::string_view payload, std::string_view from,
                     std::string& out);
void AppendReceipt(uint64_t id, uint64_t reached, std::string& out);
void AppendError(std::string_view code, std::string_view text, std::string& out);
void AppendDraining(uint64_t wait_ms, std::string& out);

}  // namespace cairn::wire

#endif  // CAIRN_PROTO_WIRE_V2_WRITER_H_

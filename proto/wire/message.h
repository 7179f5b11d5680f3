// Message: one message of the CBOR dialect, as views into somebody else's bytes.
//
// Form:   {"Subscribe": {"topic": tstr}}   {"Unsubscribe": {"topic": tstr}}
//         {"Relay": {"topic": tstr, "payload": bstr}}   (RFC 8949; serde's externally tagged enum)
// Owner:  nobody: the views live as long as the bytes they were read from.
#ifndef CAIRN_PROTO_WIRE_MESSAGE_H_
#define CAIRN_PROTO_WIRE_MESSAGE_H_

#include <cstdint>
#include <string_view>

namespace cairn::wire {

enum class MessageKind : uint8_t { kSubscribe, kUnsubscribe, kRelay };

struct Message {
  MessageKind kind = MessageKind::kSubscribe;
  std::string_view topic;    // UTF-8, any length, may be empty; compared byte for byte.
  std::string_view payload;  // kRelay only; opaque.
};

}  // namespace cairn::wire

#endif  // CAIRN_PROTO_WIRE_MESSAGE_H_

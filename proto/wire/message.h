// Message: one message of the CBOR dialect, as views into somebody else's bytes.
//
// Form:   {"Subscribe": {"topic": tstr}}   {"Unsubscribe": {"topic": tstr}}
//         {"Relay": {"topic": tstr, "payload": bstr}}   (RFC 8949; serde's externally tagged enum)
// Owner:  nobody: the views live as long as the bytes they were read from.
#ifndef CAIRN_PROTO_WIRE_MESSAGE_H_
#define CAIRN_PROTO_WIRE_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace cairn::wire {

enum class MessageKind : uint8_t { kSubscribe, kUnsubscribe, kRelay };

// Whether a message may have the fields that cairn.signal.v2 adds. In native messages they are
// unknown fields.
enum class Dialect : uint8_t { kNative, kV2 };

struct Message {
  MessageKind kind = MessageKind::kSubscribe;
  std::string_view topic;    // UTF-8, any length, may be empty; compared byte for byte.
  std::string_view payload;  // kRelay only; opaque.
  // kRelay, kV2 only: {"to": tstr}, the one peer that is to get it; absent: everybody.
  std::optional<std::string_view> to;
  // kRelay, kV2 only: {"id": uint}, to be named in the receipt; absent: no receipt is wanted.
  std::optional<uint64_t> receipt_id;
};

}  // namespace cairn::wire

#endif  // CAIRN_PROTO_WIRE_MESSAGE_H_

// JsonMessage: one text message of the JSON dialects that the client libraries' signaling backends
// speak.
//
// Form:   {"type":"publish","topic":T,"payload":base64} TypeScript, Rust
//         {"type":"announce","topic":T,"addresses":[…],"peer_id":hex or absent}          Go, Python
//         {"type":"query","topic":T}                                                     all
// Bounds: nesting kMaxJsonDepth, kMaxAddresses of kMaxAddressBytes each, kMaxPeerIdBytes. The size
// of the whole is the
//         caller's business. Unknown members are ignored.
// Errors: a JsonFault, never an exception.
#ifndef CAIRN_PROTO_WIRE_JSON_MESSAGE_H_
#define CAIRN_PROTO_WIRE_JSON_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::wire {

inline constexpr size_t kMaxJsonDepth = 8;
inline constexpr size_t kMaxAddresses = 64;
inline constexpr size_t kMaxAddressBytes = 8192;
inline constexpr size_t kMaxPeerIdBytes = 128;

enum class JsonFault : uint8_t {
  kNone,
  kMalformed,    // not JSON, or nested too deep
  kNotAMessage,  // JSON, but none of the three messages, or a member above its bound or not in its
                 // form
};

struct JsonMessage {
  enum class Kind : uint8_t { kPublish, kAnnounce, kQuery };
  Kind kind = Kind::kQuery;
  std::string topic;
  // What is published: either a blob, or addresses as plain text. One even-length hex string alone
  // is a blob.
  std::string blob;
  std::vector<std::string> addresses;
  std::string peer_id;  // kAnnounce: hex as it was given, of even length; "" when absent
};

// `out` must be new. With kNotAMessage, its topic and kind are set if they could be read.
JsonFault ReadJsonMessage(std::string_view text, JsonMessage& out);

}  // namespace cairn::wire

#endif  // CAIRN_PROTO_WIRE_JSON_MESSAGE_H_

// The server's answers in the JSON dialects: what a query gets, and what acknowledges an announce.
//
// One form serves every client library: {"type":"result","topic":T,"payload":base64 of the newest
// record or null, "peers":[{"peer_id":…,"addresses":[…]}, …]}.
#ifndef CAIRN_PROTO_WIRE_JSON_RESULT_H_
#define CAIRN_PROTO_WIRE_JSON_RESULT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::wire {

// The Go library reads an answer with one read of 4,096 bytes, frame header included. It is the
// only one that reads answers and sends no User-Agent.
inline constexpr size_t kMaxResultBytes = 3999;
// All others take what a message may have by default (EdgeLimits::max_message_bytes).
inline constexpr size_t kMaxLargeResultBytes = 65'536;

inline constexpr size_t MaxResultBytes(std::string_view user_agent) {
  return user_agent.empty() ? kMaxResultBytes : kMaxLargeResultBytes;
}

// One record of an answer, as it was published: a blob, or addresses as plain text.
struct PublishedRecord {
  std::string peer_id;
  std::string blob;
  std::vector<std::string> addresses;
};

// The record as one blob, whatever it was published as: the UTF-8 of the JSON array of its
// addresses, if it has any.
std::string BlobOf(const PublishedRecord& record);

struct JsonResult {
  std::string text;     // at most max_bytes, unless the topic alone is longer
  size_t left_out = 0;  // records that did not fit
  bool has_payload = false;
};

// `records`: in the order of the answer, of which the first is the newest. `plain_addresses`: give
// addresses that were published as text back as text (Python), and not as the hex of BlobOf() (Go).
JsonResult WriteJsonResult(std::string_view topic, const std::vector<PublishedRecord>& records,
                           bool plain_addresses, size_t max_bytes = kMaxResultBytes);

// Whether an answer of at most kMaxLargeResultBytes can contain the whole record.
bool FitsJsonResult(std::string_view topic, const PublishedRecord& record);

std::string WriteJsonAck(std::string_view topic);
// Of an announce, in the place of the ack: the Python library waits for any answer.
std::string WriteJsonRefusal(std::string_view topic, std::string_view reason);

}  // namespace cairn::wire

#endif  // CAIRN_PROTO_WIRE_JSON_RESULT_H_

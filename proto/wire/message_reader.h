// MessageReader: turns the bytes of one binary WebSocket message into a Message.
//
// Accepts exactly what the reference's decoder accepts (tests/vectors, docs/PROTOCOL.md, "Decoder
// leniency"): only the first CBOR item counts; tags are skipped; struct bodies may be arrays in
// field order; unknown fields are skipped when well-formed; strings may be indefinite; a payload
// may be an array of integers 0 to 255.
//
// Thread: one reader per thread.
// Bounds: nesting kMaxDepth. A canonical message is read without allocating. Otherwise the scratch
//         strings hold at most as many bytes as the input has, never what the input declares; a
//         large one is given back by the next Read().
// Errors: a DecodeFault, never an exception.
#ifndef CAIRN_PROTO_WIRE_MESSAGE_READER_H_
#define CAIRN_PROTO_WIRE_MESSAGE_READER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/wire/message.h"

namespace cairn::wire {

// Why bytes are not a message. The names are also the drop reasons that are counted
// (docs/PROTOCOL.md).
enum class DecodeFault : uint8_t {
  kNone,
  kTruncated,    // the first item ends after the input does
  kMalformed,    // not well-formed CBOR, or a string that is not UTF-8
  kTooDeep,      // nested deeper than kMaxDepth
  kNotAMessage,  // well-formed as far as read, but not one of the three messages
};

// Levels of arrays, maps and tags that the reference allows, the message's own two included.
inline constexpr int kMaxDepth = 256;

struct DecodeResult {
  // Without it all of the object would be filled with zeros first, which takes longer than reading
  // a message.
  DecodeResult() {}  // NOLINT(modernize-use-equals-default)

  DecodeFault fault = DecodeFault::kNone;
  Message message;  // valid only without a fault
};

class MessageReader {
 public:
  // The views of the result point into `input` or into this reader: they are valid until the next
  // Read() and while `input` is.
  DecodeResult Read(std::string_view input, Dialect dialect = Dialect::kNative);

 private:
  // Reassembled from chunks, or from an array of integers.
  std::string topic_scratch_;
  std::string payload_scratch_;
};

}  // namespace cairn::wire

#endif  // CAIRN_PROTO_WIRE_MESSAGE_READER_H_

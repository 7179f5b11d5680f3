// CborCursor: reads one CBOR head after another from bytes that may be malformed.
//
// A head is an initial byte with its argument (RFC 8949 section 3); a string of definite length
// comes with its content. How heads nest is for the caller to know. Only this file knows libcbor.
//
// Owner:  the reader, on its stack. A copy is a cheap way to look ahead.
// Bounds: keeps no data. A declared length is only compared with the bytes that are present.
// Errors: a CborStatus; the cursor then stays where it was.
#ifndef CAIRN_PROTO_WIRE_CBOR_CURSOR_H_
#define CAIRN_PROTO_WIRE_CBOR_CURSOR_H_

#include <cstdint>
#include <string_view>

namespace cairn::wire {

enum class CborType : uint8_t {
  kUnsigned,
  kNegative,
  kBytes,
  kText,
  kArray,
  kMap,
  kTag,
  kSimple,
  kFloat,  // its value is not kept: no message has one
};

struct CborHead {
  CborType type = CborType::kSimple;
  // kBytes, kText, kArray, kMap: chunks, elements or pairs follow up to a break.
  bool indefinite = false;
  // kUnsigned, kTag, kSimple: the number itself. kNegative: n for -1 - n. kArray, kMap: elements or
  // pairs, as declared.
  uint64_t value = 0;
  // kBytes, kText of definite length: a view into the input. Text is not checked to be UTF-8.
  std::string_view content;
};

enum class CborStatus : uint8_t {
  kOk,
  kTruncated,  // the head, or the content of a definite string, goes on after the input
  kMalformed,  // no item starts like this; a break is none
};

class CborCursor {
 public:
  explicit CborCursor(std::string_view input) : rest_(input) {}

  // Shortest or longer encodings of the argument are all the same. `head` is undefined without kOk.
  CborStatus Next(CborHead& head);

  // Whether a break stood here; it is behind the cursor then.
  bool TakeBreak();

  // What has not been pulled yet.
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace cairn::wire

#endif  // CAIRN_PROTO_WIRE_CBOR_CURSOR_H_

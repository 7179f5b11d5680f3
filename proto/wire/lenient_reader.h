// LenientReader: reads one binary message in every form that the reference's decoder accepts
// (docs/PROTOCOL.md, "Decoder leniency").
//
// Owner:  one MessageReader, for one message.
// Thread: its caller's.
// Bounds: as MessageReader.
// Errors: a DecodeFault.
#ifndef CAIRN_PROTO_WIRE_LENIENT_READER_H_
#define CAIRN_PROTO_WIRE_LENIENT_READER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/wire/cbor_cursor.h"
#include "proto/wire/message.h"
#include "proto/wire/message_reader.h"

namespace cairn::wire {

class LenientReader {
 public:
  // The views of the result point into `input` or into the scratch strings, which must outlive it.
  LenientReader(std::string_view input, Dialect dialect, std::string& topic_scratch,
                std::string& payload_scratch)
      : cursor_(input),
        dialect_(dialect),
        topic_scratch_(topic_scratch),
        payload_scratch_(payload_scratch) {}

  DecodeResult Read();

 private:
  // All of these return false after a fault.

  bool Fail(DecodeFault fault);
  bool Pull(CborHead& head);
  // Whether an array or map ends here, `taken` elements or pairs after its head.
  bool TakeEnd(const CborHead& container, uint64_t taken);
  // Pulls up to the first head that is no tag.
  bool PullUntagged(CborHead& head);
  bool ReadMessage(Message& message);
  // The name of a message or the key of a field, from its untagged head.
  bool ReadName(const CborHead& head, std::string_view& name);
  bool ReadFieldMap(const CborHead& map, Message& message);
  bool ReadV2Field(std::string_view key, Message& message);
  // What follows the last field is not read, not even the array's end.
  bool ReadFieldArray(const CborHead& array, Message& message);
  bool ReadTopic(std::string_view& topic);
  bool ReadPayload(std::string_view& payload);
  // An integer that is not negative, as itself or as a bignum, which stops adding up above a byte.
  bool ReadInteger(uint64_t& value);
  static bool IsBignum(const CborHead& tag);
  // A definite string is a view into the input, an indefinite one is put together in `scratch`.
  bool ReadString(const CborHead& head, std::string& scratch, std::string_view& content);
  // Calls `use` with each definite part of the string that `head` begins. Unlike RFC 8949, the
  // reference lets indefinite strings nest; a character must not be split either way.
  template <typename Use>
  bool ForEachChunk(const CborHead& head, const Use& use);
  // Skips a whole item that may open `levels` arrays, maps and tags inside each other.
  bool SkipItem(int levels);
  bool SkipRest(const CborHead& head, int levels);
  bool SkipElements(const CborHead& container, int levels);
  // The reference reads a bignum of up to 16 bytes as a signed 128-bit integer if negative, else as
  // an unsigned one: that takes no level, but not all negative ones fit.
  bool SkipTagged(const CborHead& tag, int levels);

  CborCursor cursor_;
  const Dialect dialect_;
  DecodeFault fault_ = DecodeFault::kNone;
  // Borrowed; must outlive this.
  std::string& topic_scratch_;
  std::string& payload_scratch_;
};

}  // namespace cairn::wire

#endif  // CAIRN_PROTO_WIRE_LENIENT_READER_H_

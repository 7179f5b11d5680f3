#include "proto/wire/message_reader.h"

#include <cstddef>
#include <cstring>

#include "proto/wire/lenient_reader.h"
#include "proto/wire/utf8.h"

namespace cairn::wire {
namespace {

// Scratch that outlives a message. A larger one is given back by the next Read().
constexpr size_t kKeptScratchBytes = 64 << 10;

// Both are inlined: what remains of a call are comparisons with a known number of bytes.
inline bool Take(std::string_view expected, std::string_view& rest) {
  if (rest.size() < expected.size() ||
      std::memcmp(rest.data(), expected.data(), expected.size()) != 0)
    return false;
  rest.remove_prefix(expected.size());
  return true;
}

// Takes a definite string of less than 4 GiB whose initial byte has `major` as its upper three
// bits. False if there is none, or not all of it.
inline bool TakeString(uint8_t major, std::string_view& rest, std::string_view& content) {
  if (rest.empty() || (static_cast<uint8_t>(rest[0]) & 0xe0) != major) return false;
  const auto byte = [rest](size_t at) { return uint64_t{static_cast<uint8_t>(rest[at])}; };
  size_t head_size = 1;
  uint64_t length = byte(0) & 0x1f;
  if (length == 24) {  // of most strings
    head_size = 2;
    if (rest.size() < head_size) return false;
    length = byte(1);
  } else if (length > 24) {
    if (length > 26) return false;
    head_size += size_t{1} << (length - 24);
    if (rest.size() < head_size) return false;
    length = 0;
    for (size_t i = 1; i < head_size; ++i) length = length << 8 | byte(i);
  }
  if (rest.size() - head_size < length) return false;
  content = rest.substr(head_size, length);
  rest.remove_prefix(head_size + length);
  return true;
}

// The forms that clients really send, read without libcbor. False: perhaps another form, ask
// LenientReader.
bool ReadCanonical(std::string_view rest, Message& message) {
  if (Take("\xa1\x65Relay\xa2\x65topic", rest)) {
    message.kind = MessageKind::kRelay;
  } else if (Take("\xa1\x69Subscribe\xa1\x65topic", rest)) {
    message.kind = MessageKind::kSubscribe;
  } else if (Take("\xa1\x6bUnsubscribe\xa1\x65topic", rest)) {
    message.kind = MessageKind::kUnsubscribe;
  } else {
    return false;
  }
  if (!TakeString(0x60, rest, message.topic) || !IsUtf8(message.topic)) return false;
  if (message.kind != MessageKind::kRelay) return true;
  return Take("\x67payload", rest) && TakeString(0x40, rest, message.payload);
}

void GiveBackLarge(std::string& scratch) {
  if (scratch.capacity() > kKeptScratchBytes) std::string().swap(scratch);
}

}  // namespace

DecodeResult MessageReader::Read(std::string_view input, Dialect dialect) {
  GiveBackLarge(topic_scratch_);
  GiveBackLarge(payload_scratch_);
  // One object on every path: a copy would have to wait for what has just been written.
  DecodeResult result;
  if (!ReadCanonical(input, result.message))
    result = LenientReader(input, dialect, topic_scratch_, payload_scratch_).Read();
  return result;
}

}  // namespace cairn::wire

// Reads any bytes as a message and checks the invariants, besides not crashing:
//   - a Relay survives being written in canonical form and read back;
//   - bytes behind a message change nothing, and in front of its end it is truncated;
//   - a frame on the fast path means the same to the general reader.
// Seeds: corpus/message_reader, rows of tests/vectors.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proto/wire/message_reader.h"
#include "proto/wire/message_writer.h"
#include "proto/wire/utf8.h"

namespace cairn::wire {
namespace {

void Expect(bool holds) {
  if (!holds) std::abort();
}

bool IsSame(const DecodeResult& a, const DecodeResult& b) {
  if (a.fault != DecodeFault::kNone || b.fault != DecodeFault::kNone) return a.fault == b.fault;
  return a.message.kind == b.message.kind && a.message.topic == b.message.topic &&
         a.message.payload == b.message.payload;
}

void ExpectSurvivesWriting(const Message& message) {
  std::string written;
  AppendRelay(message.topic, message.payload, written);
  Expect(written.size() == RelaySize(message.topic, message.payload));
  MessageReader reader;
  const DecodeResult again = reader.Read(written);
  DecodeResult expected;
  expected.message = message;
  Expect(IsSame(again, expected));
  // A definite string is a view: nothing was put together.
  Expect(written.data() + written.size() ==
         again.message.payload.data() + again.message.payload.size());
}

// `cut` is any number.
void ExpectOnlyTheMessageCounts(std::string_view input, const DecodeResult& whole, size_t cut) {
  MessageReader reader;
  const std::string longer = std::string(input) + static_cast<char>(cut);
  Expect(IsSame(reader.Read(longer), whole));
  if (input.empty()) return;
  const std::string shorter(input.substr(0, cut % input.size()));
  const DecodeResult prefix = reader.Read(shorter);
  Expect(prefix.fault == DecodeFault::kTruncated || IsSame(prefix, whole));
}

void ExpectBothPathsAgree(std::string_view input, const DecodeResult& whole) {
  if (!input.starts_with('\xa1')) return;
  MessageReader reader;
  const std::string twin = std::string("\xb8\x01").append(input.substr(1));
  Expect(IsSame(reader.Read(twin), whole));
}

void ReadOnce(std::string_view input, size_t cut) {
  MessageReader reader;
  const DecodeResult whole = reader.Read(input);
  ExpectBothPathsAgree(input, whole);
  if (whole.fault != DecodeFault::kNone) return;
  Expect(IsUtf8(whole.message.topic));
  Expect(whole.message.topic.size() + whole.message.payload.size() < input.size());
  ExpectOnlyTheMessageCounts(input, whole, cut);
  if (whole.message.kind == MessageKind::kRelay) {
    ExpectSurvivesWriting(whole.message);
  } else {
    Expect(whole.message.payload.empty());
  }
}

}  // namespace
}  // namespace cairn::wire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  // Any number will do, as long as the same input gives the same one.
  const size_t cut = size == 0 ? 0 : size * 31 + data[size - 1];
  cairn::wire::ReadOnce(input, cut);
  return 0;
}

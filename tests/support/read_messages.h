// Outcome and Read: the result of MessageReader for an input; and inputs that are built from parts.
#ifndef CAIRN_TESTS_SUPPORT_READ_MESSAGES_H_
#define CAIRN_TESTS_SUPPORT_READ_MESSAGES_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/wire/message_reader.h"
#include "proto/wire/message_writer.h"

namespace cairn::wire {

// A DecodeResult that owns its bytes.
struct Outcome {
  DecodeFault fault = DecodeFault::kNone;
  MessageKind kind = MessageKind::kSubscribe;
  std::string topic;
  std::string payload;

  bool operator==(const Outcome&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  if (outcome.fault != DecodeFault::kNone) {
    return out << "fault " << static_cast<int>(outcome.fault);
  }
  return out << "kind " << static_cast<int>(outcome.kind) << ", topic "
             << testing::PrintToString(outcome.topic) << ", payload "
             << testing::PrintToString(outcome.payload);
}

inline Outcome Fault(DecodeFault fault) { return {fault, MessageKind::kSubscribe, "", ""}; }
inline Outcome Subscribe(std::string topic) {
  return {DecodeFault::kNone, MessageKind::kSubscribe, std::move(topic), ""};
}
inline Outcome Relay(std::string topic, std::string payload) {
  return {DecodeFault::kNone, MessageKind::kRelay, std::move(topic), std::move(payload)};
}

// Reads from a heap block that ends with the input, so that ASan sees a read past it.
inline Outcome Read(std::string_view input) {
  const std::vector<char> block(input.begin(), input.end());
  MessageReader reader;
  const auto [fault, message] = reader.Read({block.data(), block.size()});
  if (fault != DecodeFault::kNone) return Fault(fault);
  return {fault, message.kind, std::string(message.topic), std::string(message.payload)};
}

// With a longer encoding of the outer map, which only the general reader accepts.
inline Outcome ReadGenerally(std::string_view canonical) {
  EXPECT_EQ(canonical[0], '\xa1');
  return Read(std::string("\xb8\x01").append(canonical.substr(1)));
}

inline std::string Repeat(size_t times, std::string_view what) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out.append(what);
  return out;
}

// {"Subscribe": {"topic": "t", "x": value}}
inline std::string WithUnknownField(std::string_view value) {
  return std::string("\xa1\x69Subscribe\xa2\x65topic\x61t\x61x").append(value);
}

inline std::string WithPayload(std::string_view payload) {
  return std::string("\xa1\x65Relay\xa2\x65topic\x61t\x67payload").append(payload);
}

inline std::vector<std::string> CanonicalFrames() {
  const std::string topic(64, 'f');
  std::vector<std::string> frames = {"\xa1\x69Subscribe\xa1\x65topic\x61t",
                                     "\xa1\x6bUnsubscribe\xa1\x65topic\x60",
                                     "\xa1\x69Subscribe\xa1\x65topic\x78\x40" + topic};
  constexpr size_t kPayloadSizes[] = {0, 1, 23, 24, 200, 255, 256, 65536};
  for (const size_t size : kPayloadSizes) {
    frames.emplace_back();
    AppendRelay(topic, std::string(size, 'p'), frames.back());
  }
  return frames;
}

}  // namespace cairn::wire

#endif  // CAIRN_TESTS_SUPPORT_READ_MESSAGES_H_

// The message that the micro-benchmarks send: a topic of 64 characters and a payload of 200 bytes.
#ifndef CAIRN_TESTS_BENCH_MICRO_MESSAGE_H_
#define CAIRN_TESTS_BENCH_MICRO_MESSAGE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "proto/wire/message_writer.h"

namespace cairn::bench {

inline const std::string kMicroTopic(64, 'a');
inline const std::string kMicroPayload(200, '\x5a');

inline std::string CanonicalRelay() {
  std::string message;
  wire::AppendRelay(kMicroTopic, kMicroPayload, message);
  return message;
}

inline std::string SubscribeMessage() {
  return "\xa1\x69Subscribe\xa1\x65topic\x78\x40" + kMicroTopic;
}

// `count` binary frames with `message` in each, as a client sends them: masked. REQUIRES: less than
// 64 KiB.
inline std::string MaskedFrames(std::string_view message, size_t count) {
  constexpr std::string_view kKey = "\x37\xfa\x21\x3d";
  std::string frame = "\x82";
  if (message.size() < 126) {
    frame += static_cast<char>(0x80 | message.size());
  } else {
    frame += '\xfe';
    frame += static_cast<char>(message.size() >> 8);
    frame += static_cast<char>(message.size() & 0xff);
  }
  frame += kKey;
  for (size_t i = 0; i < message.size(); ++i) frame += static_cast<char>(message[i] ^ kKey[i % 4]);
  std::string frames;
  for (size_t n = 0; n < count; ++n) frames += frame;
  return frames;
}

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_MICRO_MESSAGE_H_

#include "proto/wire/message_writer.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "proto/wire/message_reader.h"

namespace cairn::wire {
namespace {

std::string RelayOf(std::string_view topic, std::string_view payload) {
  std::string out;
  AppendRelay(topic, payload, out);
  return out;
}

TEST(MessageWriterTest, RelayIsAMapOfAMapWithTopicFirst) {
  EXPECT_EQ(RelayOf("t", "\xca\xfe"), "\xa1\x65Relay\xa2\x65topic\x61t\x67payload\x42\xca\xfe");
}

TEST(MessageWriterTest, EmptyTopicAndPayloadAreOneByteEach) {
  EXPECT_EQ(RelayOf("", ""), "\xa1\x65Relay\xa2\x65topic\x60\x67payload\x40");
}

TEST(MessageWriterTest, LengthsTakeTheFewestBytes) {
  const struct {
    size_t length;
    std::string_view head;
  } kCases[] = {
      {23, "\x57"},
      {24, "\x58\x18"},
      {255, "\x58\xff"},
      {256, {"\x59\x01\x00", 3}},
      {65535, "\x59\xff\xff"},
      {65536, {"\x5a\x00\x01\x00\x00", 5}},
  };
  for (const auto& [length, head] : kCases) {
    const std::string payload(length, 'p');
    const std::string relay = RelayOf("", payload);
    const std::string before = "\xa1\x65Relay\xa2\x65topic\x60\x67payload";
    EXPECT_EQ(relay, before + std::string(head) + payload) << length;
  }
}

TEST(MessageWriterTest, AppendingKeepsEarlierBytes) {
  std::string out = "before";
  AppendRelay("t", "p", out);
  AppendRelay("u", "q", out);
  EXPECT_EQ(out, "before" + RelayOf("t", "p") + RelayOf("u", "q"));
}

TEST(MessageWriterTest, RelaySizeIsTheSizeOfAnAppendedRelay) {
  constexpr size_t kSizes[] = {0, 1, 23, 24, 64, 255, 256, 65535, 65536};
  for (const size_t topic_size : kSizes) {
    for (const size_t payload_size : kSizes) {
      const std::string topic(topic_size, 't');
      const std::string payload(payload_size, 'p');
      EXPECT_EQ(RelaySize(topic, payload), RelayOf(topic, payload).size())
          << topic_size << " " << payload_size;
    }
  }
}

TEST(MessageWriterTest, WrittenMessagesReadBackUnchanged) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte.push_back(static_cast<char>(byte));
  const std::string topic = "caf\xc3\xa9 \xf0\x9f\x98\x80";
  const std::string written = RelayOf(topic, every_byte);
  MessageReader reader;
  const DecodeResult read = reader.Read(written);
  ASSERT_EQ(read.fault, DecodeFault::kNone);
  EXPECT_EQ(read.message.kind, MessageKind::kRelay);
  EXPECT_EQ(read.message.topic, topic);
  EXPECT_EQ(read.message.payload, every_byte);
}

}  // namespace
}  // namespace cairn::wire

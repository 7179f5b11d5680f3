#include "proto/wire/message_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "tests/support/read_messages.h"

namespace cairn::wire {
namespace {

using namespace std::string_view_literals;

TEST(MessageReaderTest, CanonicalFramesWithAnyByteChangedReadTheSameOnBothPaths) {
  for (std::string frame : CanonicalFrames()) {
    EXPECT_EQ(Read(frame), ReadGenerally(frame));
    for (size_t at = 1; at < std::min<size_t>(frame.size(), 100); ++at) {
      const char original = frame[at];
      for (int byte = 0; byte<256; byte += frame.size()> 1000 ? 15 : 1) {
        frame[at] = static_cast<char>(byte);
        ASSERT_EQ(Read(frame), ReadGenerally(frame)) << at << " " << byte;
      }
      frame[at] = original;
    }
  }
}

TEST(MessageReaderTest, DefiniteStringsAreViewsIntoTheInput) {
  const std::string frame = WithPayload("\x58\x02pp");
  MessageReader reader;
  const Message message = reader.Read(frame).message;
  EXPECT_EQ(message.topic.data(), frame.data() + 15);
  EXPECT_EQ(message.payload.data(), frame.data() + frame.size() - 2);
}

TEST(MessageReaderTest, SkippedValuesMayNest254Levels) {
  for (const std::string_view open : {"\x81", "\x9f", "\xa1\x01", "\xbf\x01", "\xc0", "\xd8\x63"}) {
    const std::string_view close = open[0] == '\x9f' || open[0] == '\xbf' ? "\xff" : "";
    const auto nested = [&](size_t levels) {
      return WithUnknownField(Repeat(levels, open) + "\x01" + Repeat(levels, close));
    };
    EXPECT_EQ(Read(nested(254)), Subscribe("t")) << int{open[0]};
    EXPECT_EQ(Read(nested(255)), Fault(DecodeFault::kTooDeep)) << int{open[0]};
    EXPECT_EQ(Read(nested(1'000'000)), Fault(DecodeFault::kTooDeep)) << int{open[0]};
  }
}

TEST(MessageReaderTest, KeysOfSkippedMapsNestLikeValues) {
  const auto nested = [](size_t levels) {
    return WithUnknownField(Repeat(levels, "\xa1") + "\x01" + Repeat(levels, "\x02"));
  };
  EXPECT_EQ(Read(nested(254)), Subscribe("t"));
  EXPECT_EQ(Read(nested(255)), Fault(DecodeFault::kTooDeep));
}

TEST(MessageReaderTest, ASkippedBignumOfUpTo16BytesTakesNoLevel) {
  const std::string deepest = Repeat(254, "\x81");
  EXPECT_EQ(Read(WithUnknownField(deepest + "\xc2\x41\x05")), Subscribe("t"));
  EXPECT_EQ(Read(WithUnknownField(deepest + "\xc2\x51" + std::string(17, '\1'))),
            Fault(DecodeFault::kTooDeep));
}

TEST(MessageReaderTest, TagsInFrontOfNamesTopicsAndPayloadsAreNotCounted) {
  const std::string tags = Repeat(100'000, "\xc6");
  EXPECT_EQ(Read(tags + "\xa1" + tags + "\x65Relay\xa2" + tags + "\x65topic" + tags + "\x61t" +
                 tags + "\x67payload" + tags + "\x81" + tags + "\x05"),
            Relay("t", "\x05"));
}

TEST(MessageReaderTest, StringsInsideStringsAreNotCounted) {
  const std::string opened = Repeat(100'000, "\x5f");
  const std::string closed = Repeat(100'000, "\xff");
  EXPECT_EQ(Read(WithPayload(opened + "\x41p" + closed)), Relay("t", "p"));
  EXPECT_EQ(Read(WithUnknownField(opened + "\x41p" + closed)), Subscribe("t"));
  EXPECT_EQ(Read(WithPayload(opened + "\x41p")), Fault(DecodeFault::kTruncated));
}

TEST(MessageReaderTest, NamesHaveAtMost4096Bytes) {
  const std::string longest(4096, 'k');
  for (const std::string_view major : {"\x59", "\x79"}) {
    const auto with_key = [&](std::string_view size, const std::string& key) {
      return std::string("\xa1\x69Subscribe\xa2").append(major).append(size) + key +
             "\x01\x65topic\x61t";
    };
    EXPECT_EQ(Read(with_key("\x10\x00"sv, longest)), Subscribe("t"));
    EXPECT_EQ(Read(with_key("\x10\x01", longest + "k")), Fault(DecodeFault::kNotAMessage));
  }
  EXPECT_EQ(Read("\xa1\x79\x10\x01" + longest + "k\xa1\x65topic\x61t"),
            Fault(DecodeFault::kNotAMessage));
}

TEST(MessageReaderTest, OnlyNamesAreLimitedIn4096Bytes) {
  const std::string topic = Repeat(2000, "\xe4\xb8\xad");
  const std::string text = "\x79\x17\x70" + topic;
  EXPECT_EQ(Read("\xa1\x69Subscribe\xa1\x65topic" + text), Subscribe(topic));
  EXPECT_EQ(Read("\xa1\x69Subscribe\xa1\x65topic\x7f" + text + "\xff"), Subscribe(topic));
  EXPECT_EQ(Read(WithUnknownField(text)), Subscribe("t"));
}

TEST(MessageReaderTest, LargePayloadsOfEveryFormAreTheSame) {
  const std::string content(1 << 20, '\x07');
  const Outcome expected = Relay("t", content);
  EXPECT_EQ(Read(WithPayload("\x5a\x00\x10\x00\x00"sv).append(content)), expected);
  const std::string chunk = std::string("\x59\x40\x00"sv).append(1 << 14, '\x07');
  EXPECT_EQ(Read(WithPayload("\x5f" + Repeat(64, chunk) + "\xff")), expected);
  EXPECT_EQ(Read(WithPayload("\x5f\x5f" + Repeat(64, chunk) + "\xff\x40\xff")), expected);
  EXPECT_EQ(Read(WithPayload("\x9a\x00\x10\x00\x00"sv).append(content)), expected);
  EXPECT_EQ(Read(WithPayload("\x9f" + Repeat(1 << 20, "\x18\x07") + "\xff")), expected);
  EXPECT_EQ(Read(WithPayload("\x9f" + Repeat(1 << 20, "\xc2\x43\x00\x00\x07"sv) + "\xff")),
            expected);
}

TEST(MessageReaderTest, NothingOfAMessageIsLeftInTheNext) {
  MessageReader reader;
  const std::string first = WithPayload("\x5f\x43one\xff");
  const std::string second = WithPayload("\x9f\x01\xff");
  const std::string third = "\xa1\x69Subscribe\xa1\x65topic\x7f\xff";
  EXPECT_EQ(reader.Read(first).message.payload, "one");
  EXPECT_EQ(reader.Read(second).message.payload, "\x01");
  EXPECT_EQ(reader.Read(third).message.topic, "");
  EXPECT_EQ(reader.Read(third).message.payload, "");
}

TEST(MessageReaderTest, AFieldOfV2StandsOnceAndOnlyV2LooksAtIt) {
  const std::string relay = "\xa1\x65Relay\xa4\x65topic\x61t\x67payload\x41p";
  for (const std::string field : {"\x62id\x07", "\x62to\x61x"}) {
    MessageReader reader;
    EXPECT_EQ(reader.Read(relay + field + field, Dialect::kV2).fault, DecodeFault::kNotAMessage);
    EXPECT_EQ(Read(relay + field + field), Relay("t", "p"));
  }
}

TEST(MessageReaderTest, FaultsNameTheError) {
  const struct {
    std::string input;
    DecodeFault fault;
  } kCases[] = {
      {"", DecodeFault::kTruncated},
      {"\xa1\x65Relay", DecodeFault::kTruncated},
      {WithPayload("\x42p"), DecodeFault::kTruncated},
      {WithPayload("\x82\x01"), DecodeFault::kTruncated},
      {WithUnknownField("\xf8"), DecodeFault::kTruncated},
      {"\xff", DecodeFault::kMalformed},
      {"\x1c", DecodeFault::kMalformed},
      {"\xa1\x61\xff\xa0", DecodeFault::kMalformed},
      {"\xa1\x69Subscribe\xa1\x65topic\x61\xff", DecodeFault::kMalformed},
      {WithPayload("\x5f\x61p\xff"), DecodeFault::kMalformed},
      {WithUnknownField("\xff"), DecodeFault::kMalformed},
      {WithUnknownField("\x61\xff"), DecodeFault::kMalformed},
      {WithUnknownField("\xbf\x01\xff"), DecodeFault::kMalformed},
      {WithUnknownField("\xf8\x13"), DecodeFault::kMalformed},
      {"\x80", DecodeFault::kNotAMessage},
      {"\xa2\x65Relay", DecodeFault::kNotAMessage},
      {"\xa1\x65relay\xa0", DecodeFault::kNotAMessage},
      {"\xa1\x65Relay\xc0\xa0", DecodeFault::kNotAMessage},
      {"\xa1\x69Subscribe\xa0", DecodeFault::kNotAMessage},
      {"\xa1\x69Subscribe\x9f\xff", DecodeFault::kNotAMessage},
      {"\xa1\x65Relay\x81\x61t", DecodeFault::kNotAMessage},
      {WithPayload("\x61p"), DecodeFault::kNotAMessage},
      {WithPayload("\x81\x19\x01\x01"), DecodeFault::kNotAMessage},
      {WithUnknownField("\xe0"), DecodeFault::kNotAMessage},
      {WithUnknownField("\xf8\x20"), DecodeFault::kNotAMessage},
  };
  for (const auto& [input, fault] : kCases) {
    EXPECT_EQ(Read(input), Fault(fault)) << testing::PrintToString(input);
  }
}

}  // namespace
}  // namespace cairn::wire

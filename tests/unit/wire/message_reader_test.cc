#include "proto/wire/message_reader.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <new>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/wire/message_writer.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CAIRN_TSAN_HAS_OPERATOR_NEW  // and does not let a program replace it
#endif
#endif

namespace {

// What this thread has allocated since Start(); every `new` of the test binary is counted.
struct HeapUse {
  size_t allocations = 0;
  size_t largest = 0;
  // Of everything alive, also from before Start().
  size_t live_bytes = 0;

  void Start() { allocations = largest = 0; }
};
constinit thread_local HeapUse heap_use;

}  // namespace

#ifdef CAIRN_TSAN_HAS_OPERATOR_NEW
#define CAIRN_NEEDS_HEAP_USE() GTEST_SKIP() << "allocations are not counted under TSan"
#else
#define CAIRN_NEEDS_HEAP_USE() static_cast<void>(0)

void* operator new(size_t size) {
  void* const block = std::malloc(size);
  if (block == nullptr) std::abort();
  ++heap_use.allocations;
  heap_use.largest = std::max(heap_use.largest, size);
  heap_use.live_bytes += malloc_usable_size(block);
  return block;
}

void operator delete(void* block) noexcept {
  if (block != nullptr) heap_use.live_bytes -= malloc_usable_size(block);
  std::free(block);
}

void operator delete(void* block, size_t) noexcept { operator delete(block); }

#endif

namespace cairn::wire {
namespace {

using namespace std::string_view_literals;

// A DecodeResult that owns its bytes.
struct Outcome {
  DecodeFault fault = DecodeFault::kNone;
  MessageKind kind = MessageKind::kSubscribe;
  std::string topic;
  std::string payload;

  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  if (outcome.fault != DecodeFault::kNone) {
    return out << "fault " << static_cast<int>(outcome.fault);
  }
  return out << "kind " << static_cast<int>(outcome.kind) << ", topic "
             << testing::PrintToString(outcome.topic) << ", payload "
             << testing::PrintToString(outcome.payload);
}

Outcome Fault(DecodeFault fault) { return {fault, MessageKind::kSubscribe, "", ""}; }
Outcome Subscribe(std::string topic) {
  return {DecodeFault::kNone, MessageKind::kSubscribe, std::move(topic), ""};
}
Outcome Relay(std::string topic, std::string payload) {
  return {DecodeFault::kNone, MessageKind::kRelay, std::move(topic), std::move(payload)};
}

// Reads from a heap block that ends with the input, so that ASan sees a read past it.
Outcome Read(std::string_view input) {
  const std::vector<char> block(input.begin(), input.end());
  MessageReader reader;
  const auto [fault, message] = reader.Read({block.data(), block.size()});
  if (fault != DecodeFault::kNone) return Fault(fault);
  return {fault, message.kind, std::string(message.topic), std::string(message.payload)};
}

// Behind a longer encoding of the outer map, which only the general reader knows.
Outcome ReadGenerally(std::string_view canonical) {
  EXPECT_EQ(canonical[0], '\xa1');
  return Read(std::string("\xb8\x01").append(canonical.substr(1)));
}

std::string Repeat(size_t times, std::string_view what) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out.append(what);
  return out;
}

// {"Subscribe": {"topic": "t", "x": value}}
std::string WithUnknownField(std::string_view value) {
  return std::string("\xa1\x69Subscribe\xa2\x65topic\x61t\x61x").append(value);
}

std::string WithPayload(std::string_view payload) {
  return std::string("\xa1\x65Relay\xa2\x65topic\x61t\x67payload").append(payload);
}

std::vector<std::string> CanonicalFrames() {
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

std::string FromHex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(digit(hex[i]) << 4 | digit(hex[i + 1])));
  }
  return bytes;
}

struct Row {
  std::string name;
  std::string input;
  std::string effect;
  std::string topic;
  std::string forwarded;
};

// The rows of a file of tests/vectors. Where they have no name of their own it is their line.
std::vector<Row> LoadRows(const std::string& file, bool named) {
  std::ifstream in(CAIRN_VECTORS_DIR "/" + file);
  std::vector<Row> rows;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.starts_with('#')) continue;
    std::istringstream fields(line);
    const auto next = [&fields] {
      std::string field;
      std::getline(fields, field, '\t');
      return field;
    };
    Row& row = rows.emplace_back();
    row.name = named ? next() : file + ":" + std::to_string(number);
    row.input = FromHex(next());
    row.effect = next();
    row.topic = FromHex(next());
    row.forwarded = FromHex(next());
  }
  return rows;
}

std::vector<Row> AllRows() {
  std::vector<Row> rows = LoadRows("cbor-named.tsv", true);
  for (Row& row : LoadRows("cbor-generated.tsv", false)) rows.push_back(std::move(row));
  return rows;
}

void ExpectEffect(const Row& row) {
  SCOPED_TRACE(row.name);
  const Outcome outcome = Read(row.input);
  if (row.effect == "drop") {
    EXPECT_NE(outcome.fault, DecodeFault::kNone);
    return;
  }
  ASSERT_EQ(outcome.fault, DecodeFault::kNone);
  EXPECT_EQ(outcome.topic, row.topic);
  if (row.effect != "relay") {
    EXPECT_EQ(outcome.kind == MessageKind::kSubscribe, row.effect == "subscribe");
    EXPECT_EQ(outcome.kind == MessageKind::kUnsubscribe, row.effect == "unsubscribe");
    return;
  }
  EXPECT_EQ(outcome.kind, MessageKind::kRelay);
  std::string forwarded;
  AppendRelay(outcome.topic, outcome.payload, forwarded);
  EXPECT_EQ(forwarded, row.forwarded);
}

TEST(MessageReaderTest, NamedVectorsHaveTheEffectSeenOnTheReference) {
  const std::vector<Row> rows = LoadRows("cbor-named.tsv", true);
  EXPECT_GE(rows.size(), 335u);
  for (const Row& row : rows) ExpectEffect(row);
}

TEST(MessageReaderTest, GeneratedVectorsHaveTheEffectSeenOnTheReference) {
  const std::vector<Row> rows = LoadRows("cbor-generated.tsv", false);
  EXPECT_GE(rows.size(), 1500u);
  for (const Row& row : rows) ExpectEffect(row);
}

TEST(MessageReaderTest, APrefixOfAMessageIsThatMessageOrTruncated) {
  for (const Row& row : AllRows()) {
    SCOPED_TRACE(row.name);
    const Outcome whole = Read(row.input);
    if (whole.fault != DecodeFault::kNone) continue;
    bool complete = false;
    for (size_t size = 0; size < row.input.size(); ++size) {
      const Outcome prefix = Read(std::string_view(row.input).substr(0, size));
      complete = complete || prefix.fault == DecodeFault::kNone;
      EXPECT_EQ(prefix, complete ? whole : Fault(DecodeFault::kTruncated)) << size;
    }
  }
}

TEST(MessageReaderTest, VectorsReadTheSameOnBothPaths) {
  for (const Row& row : AllRows()) {
    if (!row.input.starts_with('\xa1')) continue;
    EXPECT_EQ(Read(row.input), ReadGenerally(row.input)) << row.name;
  }
}

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

TEST(MessageReaderTest, CanonicalFramesDoNotAllocate) {
  CAIRN_NEEDS_HEAP_USE();
  MessageReader reader;
  for (const std::string& frame : CanonicalFrames()) {
    heap_use.Start();
    const DecodeResult result = reader.Read(frame);
    const size_t allocations = heap_use.allocations;
    EXPECT_EQ(result.fault, DecodeFault::kNone);
    EXPECT_EQ(allocations, 0u);
  }
}

TEST(MessageReaderTest, DefiniteStringsAreViewsIntoTheInput) {
  const std::string frame = WithPayload("\x58\x02pp");
  MessageReader reader;
  const Message message = reader.Read(frame).message;
  EXPECT_EQ(message.topic.data(), frame.data() + 15);
  EXPECT_EQ(message.payload.data(), frame.data() + frame.size() - 2);
}

TEST(MessageReaderTest, DeclaredLengthsDoNotAllocate) {
  CAIRN_NEEDS_HEAP_USE();
  const std::string_view kHuge = "\xff\xff\xff\xff\xff\xff\xff\xff"sv;
  MessageReader reader;
  for (const std::string_view major : {"\x5b", "\x7b", "\x9b", "\xbb"}) {
    const std::string declared = std::string(major).append(kHuge);
    for (const std::string& input :
         {declared, WithPayload(declared), WithPayload("\x5f" + declared),
          WithUnknownField(declared), WithUnknownField("\x7f" + declared),
          WithUnknownField("\xc2" + declared), "\xa1\x65Relay" + declared,
          "\xa1\x65Relay" + declared + "\x65topic", WithPayload(declared + "\x01\x02"),
          "\xa1\x69Subscribe\xa1\x65topic" + declared, "\xa1" + declared}) {
      heap_use.Start();
      const DecodeResult result = reader.Read(input);
      const size_t allocations = heap_use.allocations;
      EXPECT_NE(result.fault, DecodeFault::kNone);
      EXPECT_EQ(allocations, 0u);
    }
  }
}

TEST(MessageReaderTest, ScratchFollowsTheInputAndIsGivenBackByTheNextRead) {
  CAIRN_NEEDS_HEAP_USE();
  MessageReader reader;
  const std::string large =
      WithPayload("\x9b\xff\xff\xff\xff\xff\xff\xff\xff" + Repeat(1 << 20, "\x01"));
  const std::string small = WithPayload("\x5f\x41p\xff");
  const size_t before = heap_use.live_bytes;
  heap_use.Start();
  EXPECT_EQ(reader.Read(large).fault, DecodeFault::kTruncated);
  EXPECT_LE(heap_use.largest, 2 * large.size());
  EXPECT_GE(heap_use.live_bytes, before + (1 << 20));  // or this test would see nothing
  EXPECT_EQ(reader.Read(small).message.payload, "p");
  EXPECT_EQ(heap_use.live_bytes, before);
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

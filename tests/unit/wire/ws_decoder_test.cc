#include "proto/wire/ws_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

namespace cairn::wire {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using Type = WsDecoder::EventType;

constexpr uint8_t kFin = 0x80;
constexpr uint8_t kContinuation = 0x0;
constexpr uint8_t kText = 0x1;
constexpr uint8_t kBinary = 0x2;
constexpr uint8_t kClose = 0x8;
constexpr uint8_t kPing = 0x9;
constexpr uint8_t kPong = 0xA;

constexpr size_t kLimit = 100'000;

// An event that outlives its bytes.
struct Seen {
  Type type = Type::kNeedMore;
  std::string data;
  WsFault fault = WsFault::kNone;
  uint16_t close_code = 0;
  bool operator==(const Seen&) const = default;
};

void PrintTo(const Seen& seen, std::ostream* out) {
  *out << "{type " << static_cast<int>(seen.type) << ", fault " << static_cast<int>(seen.fault)
       << ", code " << seen.close_code << ", " << seen.data.size()
       << " bytes: " << testing::PrintToString(seen.data.substr(0, 40)) << "}";
}

Seen Text(std::string data) { return {Type::kText, std::move(data)}; }
Seen Binary(std::string data) { return {Type::kBinary, std::move(data)}; }
Seen Pong(std::string data) { return {Type::kPong, std::move(data)}; }
Seen Ping(std::string data) { return {Type::kPing, std::move(data)}; }
Seen Close(uint16_t code, std::string reason = "") {
  return {Type::kClose, std::move(reason), WsFault::kNone, code};
}
Seen Error(WsFault fault) { return {Type::kError, "", fault}; }

std::string BigEndian(uint64_t value, size_t bytes) {
  std::string out;
  for (size_t i = bytes; i > 0; --i) out.push_back(static_cast<char>(value >> (8 * (i - 1))));
  return out;
}

// A masked header. `length_bytes`: 1, 3 or 9, and 0 for the shortest that `length` fits.
std::string Header(unsigned first_byte, uint64_t length, size_t length_bytes = 0,
                   const std::string& key = "\x37\xfa\x21\x3d") {
  if (length_bytes == 0) length_bytes = length < 126 ? 1 : length < 65536 ? 3 : 9;
  std::string out(1, static_cast<char>(first_byte));
  if (length_bytes == 1) return out + static_cast<char>(0x80 | length) + key;
  return out + static_cast<char>(length_bytes == 3 ? 0xFE : 0xFF) +
         BigEndian(length, length_bytes - 1) + key;
}

std::string Frame(unsigned first_byte, std::string payload, size_t length_bytes = 0,
                  const std::string& key = "\x37\xfa\x21\x3d") {
  const std::string header = Header(first_byte, payload.size(), length_bytes, key);
  for (size_t i = 0; i < payload.size(); ++i)
    payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
  return header + payload;
}

std::string CloseFrame(uint16_t code, const std::string& reason = "") {
  return Frame(kFin | kClose, BigEndian(code, 2) + reason);
}

// A message of every kind, in every form, with control frames at every place where they may be.
std::string SampleStream() {
  return Frame(kFin | kText, "gr\xC3\xBC\xC3\x9F") + Frame(kFin | kPing, "") +
         Frame(kBinary, "ab") + Frame(kFin | kPing, std::string(125, 'p')) +
         Frame(kContinuation, "") + Frame(kContinuation, "cde") + Frame(kFin | kPong, "late") +
         Frame(kFin, "") + Frame(kFin | kText, "") + Frame(kText, "") +
         Frame(kFin, "\xE2\x82\xAC", 3) + Frame(kFin | kBinary, std::string(126, 'x')) +
         Frame(kFin | kBinary, "tiny", 9) + CloseFrame(1000, "bye");
}

// One decoder and a copy of each piece, so that a view that outlives what it promises is found by
// ASan.
class Feed {
 public:
  explicit Feed(size_t limit = kLimit) : decoder_(limit) {}

  void Take(std::string_view piece) {
    piece_ = std::make_unique<char[]>(piece.size());
    std::memcpy(piece_.get(), piece.data(), piece.size());
    std::span<char> in(piece_.get(), piece.size());
    while (!failed_) {
      const WsDecoder::Event event = decoder_.Next(in);
      if (event.type == Type::kNeedMore) {
        EXPECT_TRUE(in.empty());
        return;
      }
      seen_.push_back({event.type, std::string(event.data), event.fault, event.close_code});
      failed_ = event.type == Type::kError;
    }
  }
  const std::vector<Seen>& seen() const { return seen_; }

 private:
  WsDecoder decoder_;
  std::unique_ptr<char[]> piece_;
  std::vector<Seen> seen_;
  bool failed_ = false;
};

std::vector<Seen> Decode(std::string_view stream, size_t limit = kLimit) {
  Feed feed(limit);
  feed.Take(stream);
  return feed.seen();
}

std::vector<Seen> DecodeInPieces(std::string_view stream, size_t piece_bytes,
                                 size_t limit = kLimit) {
  Feed feed(limit);
  for (size_t at = 0; at < stream.size(); at += piece_bytes)
    feed.Take(stream.substr(at, piece_bytes));
  return feed.seen();
}

TEST(WsDecoderTest, DecodesTheExamplesOfTheRfc) {  // 5.7
  EXPECT_THAT(Decode("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), ElementsAre(Text("Hello")));
  EXPECT_THAT(Decode("\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), ElementsAre(Ping("Hello")));
}

TEST(WsDecoderTest, ControlFramesBetweenFragmentsComeBeforeTheMessage) {
  EXPECT_THAT(Decode(SampleStream()),
              ElementsAre(Text("gr\xC3\xBC\xC3\x9F"), Ping(""), Ping(std::string(125, 'p')),
                          Pong("late"), Binary("abcde"), Text(""), Text("\xE2\x82\xAC"),
                          Binary(std::string(126, 'x')), Binary("tiny"), Close(1000, "bye")));
}

TEST(WsDecoderTest, AcceptsEveryLengthFormOfEverySize) {
  for (const size_t size : {0u, 1u, 125u, 126u, 127u, 65535u, 65536u, 100000u}) {
    for (const size_t length_bytes : {1u, 3u, 9u}) {
      if ((length_bytes == 1 && size > 125) || (length_bytes == 3 && size > 65535)) continue;
      std::string payload(size, '\0');
      for (size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(i * 7);
      const std::string stream =
          Frame(kFin | kBinary, payload, length_bytes) + Frame(kFin | kPing, "!");
      EXPECT_THAT(Decode(stream), ElementsAre(Binary(payload), Ping("!")))
          << size << " in " << length_bytes;
      EXPECT_THAT(DecodeInPieces(stream, 997), ElementsAre(Binary(payload), Ping("!"))) << size;
    }
  }
}

TEST(WsDecoderTest, WholeFrameIsReturnedWithoutACopy) {
  std::string stream =
      Frame(kFin | kText, "one") + Frame(kFin | kPing, "two") + Frame(kFin | kBinary, "");
  const char* const first = stream.data() + 6;
  std::span<char> in(stream);
  WsDecoder decoder(kLimit);
  EXPECT_EQ(decoder.Next(in).data.data(), first);
  EXPECT_EQ(decoder.Next(in).data.data(), first + 3 + 6);
  EXPECT_EQ(decoder.Next(in).type, Type::kBinary);
  EXPECT_EQ(decoder.Next(in).type, Type::kNeedMore);
}

TEST(WsDecoderTest, UnmasksAtEveryAlignmentAndEveryTurnOfTheKey) {
  const std::string key = "\x01\x82\xFF\x10";
  for (size_t size = 0; size < 40; ++size) {
    const std::string frame = Frame(kFin | kBinary, std::string(size, 'u'), 1, key);
    for (size_t offset = 0; offset < 8; ++offset) {
      std::string bytes = std::string(offset, '-') + frame;
      std::span<char> in = std::span<char>(bytes).subspan(offset);
      EXPECT_EQ(WsDecoder(kLimit).Next(in).data, std::string(size, 'u'));
    }
    for (size_t cut = 6; cut < frame.size(); ++cut) {
      Feed feed;
      feed.Take(frame.substr(0, cut));
      feed.Take(frame.substr(cut));
      EXPECT_THAT(feed.seen(), ElementsAre(Binary(std::string(size, 'u'))));
    }
  }
}

// Each rule, and how many bytes of the stream are enough to know that it is broken.
TEST(WsDecoderTest, ReportsEachFaultAtTheByteThatMakesItOne) {
  struct Case {
    std::string stream;
    size_t known_after;
    WsFault fault;
  };
  const std::string open = Frame(kText, "a");  // 7 bytes
  std::vector<Case> cases = {
      {std::string("\x81\x01") + "a", 2, WsFault::kUnmasked},
      {open + Frame(kFin | kText, "b"), 8, WsFault::kInterleavedMessage},
      {open + Frame(kBinary, "b"), 8, WsFault::kInterleavedMessage},
      {Frame(kFin, "b"), 1, WsFault::kStrayContinuation},
      {open + Frame(kFin, "b") + Frame(kContinuation, "c"), 15, WsFault::kStrayContinuation},
      {Frame(kFin | kClose, "x"), 7, WsFault::kBadClosePayload},
      {CloseFrame(1005), 8, WsFault::kBadClosePayload},
      {CloseFrame(1000, "\xFF"), 9, WsFault::kBadUtf8},
      {Frame(kFin | kText, "\xC3"), 7, WsFault::kBadUtf8},
      {open + Frame(kFin, "\xED\xA0\x80"), 15, WsFault::kBadUtf8},
      {open + Frame(kContinuation, "\xF4\x90"), 15, WsFault::kBadUtf8},
      {Frame(kFin | kText, "ab\xFFzzzz"), 9, WsFault::kBadUtf8},
      {Frame(kText, "\xCE\xBA") + Frame(kContinuation, "\xFF"), 15, WsFault::kBadUtf8},
      {Frame(kText, "\xCE") + Frame(kContinuation, "") + Frame(kContinuation, "a"), 20,
       WsFault::kBadUtf8},
      {Header(kFin | kBinary, 1ull << 63), 10, WsFault::kLengthOverflow},
      {Header(kFin | kBinary, kLimit + 1), 10, WsFault::kMessageTooBig},
      {Header(kFin | kText, (1ull << 63) - 1), 10, WsFault::kMessageTooBig},
      {open + Header(kContinuation, kLimit), 17, WsFault::kMessageTooBig},
  };
  for (unsigned bits = 0x10; bits <= 0x70; bits += 0x10) {
    cases.push_back({Frame(kFin | kText | bits, ""), 1, WsFault::kReservedBits});
    cases.push_back({Frame(kFin | kPing | bits, ""), 1, WsFault::kReservedBits});
  }
  for (const unsigned opcode : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u}) {
    cases.push_back({Frame(kFin | opcode, ""), 1, WsFault::kReservedOpcode});
  }
  for (const uint8_t opcode : {kClose, kPing, kPong}) {
    cases.push_back({Frame(opcode, ""), 1, WsFault::kControlFragmented});
    cases.push_back({Frame(kFin | opcode, std::string(126, 'c')), 2, WsFault::kControlTooLong});
    cases.push_back({Frame(kFin | opcode, "c", 9), 2, WsFault::kControlTooLong});
  }
  for (const Case& c : cases) {
    const std::string context = testing::PrintToString(c.stream.substr(0, 20));
    EXPECT_THAT(Decode(c.stream.substr(0, c.known_after)), Contains(Error(c.fault))) << context;
    EXPECT_THAT(Decode(c.stream.substr(0, c.known_after - 1)), Not(Contains(Error(c.fault))))
        << context;
    EXPECT_EQ(DecodeInPieces(c.stream, 1), Decode(c.stream)) << context;
  }
}

TEST(WsDecoderTest, TextFailsAtTheFirstByteThatNoTextCouldHaveThere) {
  const std::string bad_then_ping = Frame(kText, "\xFF") + Frame(kFin | kPing, "p");
  EXPECT_THAT(Decode(bad_then_ping), ElementsAre(Error(WsFault::kBadUtf8)));
  EXPECT_THAT(Decode(Frame(kText, "\xE2\x82") + Frame(kFin | kPing, "p") + Frame(kFin, "")),
              ElementsAre(Ping("p"), Error(WsFault::kBadUtf8)));
  EXPECT_THAT(Decode(Frame(kText, "\xE2\x82") + Frame(kFin, "\xAC")),
              ElementsAre(Text("\xE2\x82\xAC")));
  EXPECT_THAT(Decode(Frame(kFin | kBinary, "\xFF")), ElementsAre(Binary("\xFF")));
  EXPECT_THAT(Decode(Frame(kFin | kPing, "\xFF")), ElementsAre(Ping("\xFF")));
}

TEST(WsDecoderTest, AcceptsTheCloseCodesThatAClientMaySend) {
  for (uint32_t code = 0; code <= 0xFFFF; ++code) {
    const bool allowed = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                         (code >= 3000 && code <= 4999);
    const auto code16 = static_cast<uint16_t>(code);
    const Seen expected = allowed ? Close(code16) : Error(WsFault::kBadClosePayload);
    ASSERT_THAT(Decode(CloseFrame(code16)), ElementsAre(expected)) << code;
  }
}

TEST(WsDecoderTest, CloseMayBeEmptyOrGiveAReason) {
  EXPECT_THAT(Decode(Frame(kFin | kClose, "")), ElementsAre(Close(0)));
  const std::string reason(123, 'r');
  EXPECT_THAT(Decode(CloseFrame(4000, reason)), ElementsAre(Close(4000, reason)));
}

TEST(WsDecoderTest, NothingIsReadAfterAClose) {
  const std::string stream = Frame(kText, "unfinished") + CloseFrame(1001);
  EXPECT_THAT(Decode(stream + Frame(kFin, "end") + "\xFF"), ElementsAre(Close(1001)));
  Feed feed;
  feed.Take(stream);
  feed.Take(Frame(kFin | kPing, "p"));
  EXPECT_EQ(feed.seen().size(), 1);
}

TEST(WsDecoderTest, AnErrorStaysAndConsumesNothing) {
  WsDecoder decoder(kLimit);
  std::string bad = Frame(kFin | kText, "\xFF");
  std::span<char> in(bad);
  EXPECT_EQ(decoder.Next(in).fault, WsFault::kBadUtf8);
  std::string more = Frame(kFin | kText, "fine");
  for (int i = 0; i < 2; ++i) {
    in = more;
    const WsDecoder::Event event = decoder.Next(in);
    EXPECT_EQ(event.type, Type::kError);
    EXPECT_EQ(event.fault, WsFault::kBadUtf8);
    EXPECT_EQ(in.size(), more.size());
  }
}

TEST(WsDecoderTest, LimitIsForTheFragmentsOfAMessageTogether) {
  const std::string ten(10, 't');
  const auto too_big = ElementsAre(Error(WsFault::kMessageTooBig));
  EXPECT_THAT(Decode(Frame(kFin | kText, ten), 10), ElementsAre(Text(ten)));
  EXPECT_THAT(Decode(Frame(kFin | kText, ten), 9), too_big);
  EXPECT_THAT(Decode(Header(kFin | kBinary, 11), 10), too_big);
  EXPECT_THAT(Decode(Frame(kText, "123456") + Frame(kContinuation, "789") + Frame(kFin, "0"), 10),
              ElementsAre(Text("1234567890")));
  EXPECT_THAT(
      Decode(Frame(kText, "123456") + Frame(kContinuation, "7890") + Header(kContinuation, 1), 10),
      too_big);
  EXPECT_THAT(Decode(Frame(kFin | kText, ten) + Frame(kText, ten) + Frame(kFin, ""), 10),
              ElementsAre(Text(ten), Text(ten)));
  EXPECT_THAT(Decode(Frame(kFin | kPing, ten), 9), ElementsAre(Ping(ten)));
}

TEST(WsDecoderTest, EverySplitOfTheStreamGivesTheSameEvents) {
  const std::string stream = SampleStream();
  const std::vector<Seen> expected = Decode(stream);
  for (size_t piece_bytes = 1; piece_bytes < 40; ++piece_bytes) {
    EXPECT_EQ(DecodeInPieces(stream, piece_bytes), expected) << piece_bytes;
  }
  for (size_t first = 0; first <= stream.size(); ++first) {
    for (size_t second = first; second <= stream.size(); second += 7) {
      Feed feed;
      feed.Take(std::string_view(stream).substr(0, first));
      feed.Take(std::string_view(stream).substr(first, second - first));
      feed.Take(std::string_view(stream).substr(second));
      ASSERT_EQ(feed.seen(), expected) << first << " and " << second;
    }
  }
}

std::string RandomStream(std::mt19937_64& random) {
  const auto below = [&random](size_t n) { return static_cast<size_t>(random() % n); };
  constexpr uint8_t kFirstBytes[] = {kFin | kText, kFin | kBinary, kText,
                                     kBinary,      kContinuation,  kFin,
                                     kFin | kPing, kFin | kPong,   kFin | kClose};
  std::string stream;
  for (size_t frames = below(12); frames > 0; --frames) {
    std::string payload(below(4) == 0 ? below(300) : below(8), '\0');
    for (char& c : payload) c = static_cast<char>(below(20) == 0 ? below(256) : 'a' + below(26));
    const size_t length_bytes = payload.size() < 126 ? 0 : below(2) == 0 ? 3 : 9;
    stream += Frame(kFirstBytes[below(std::size(kFirstBytes))], payload, length_bytes);
  }
  const bool is_damaged = !stream.empty() && below(3) == 0;
  if (is_damaged) stream[below(stream.size())] = static_cast<char>(below(256));
  return stream;
}

TEST(WsDecoderTest, RandomStreamsGiveTheSameEventsInRandomPieces) {
  std::mt19937_64 random(6455);
  for (int i = 0; i < 20'000; ++i) {
    const std::string stream = RandomStream(random);
    Feed feed(400);
    for (size_t at = 0; at < stream.size();) {
      const size_t bytes = random() % (random() % 4 == 0 ? 200 : 12);
      feed.Take(std::string_view(stream).substr(at, bytes));
      at += bytes;
    }
    ASSERT_EQ(feed.seen(), Decode(stream, 400))
        << "stream " << i << ": " << testing::PrintToString(stream);
  }
}

// What malloc has given out; does not move where a sanitizer replaces malloc.
size_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

bool HeapIsCounted() {
  const size_t before = HeapBytes();
  const auto probe = std::make_unique<char[]>(10'000);
  static_cast<volatile char*>(probe.get())[0] = 'x';  // or else the compiler may leave it out
  return HeapBytes() >= before + 10'000;
}

TEST(WsDecoderTest, MemoryGrowsWithReceivedBytesAndIsReleasedWithTheMessage) {
  if (!HeapIsCounted()) GTEST_SKIP() << "malloc is not glibc's";
  std::string stream =
      Frame(kBinary, std::string(30'000, 'a')) + Frame(kFin, std::string(50'000, 'b'));
  WsDecoder decoder(kLimit);
  const size_t before = HeapBytes();
  std::span<char> rest(stream);
  while (rest.size() > 1000) {
    std::span<char> in = rest.first(1000);
    rest = rest.subspan(1000);
    ASSERT_EQ(decoder.Next(in).type, Type::kNeedMore);
    ASSERT_LE(HeapBytes() - before, 2 * (stream.size() - rest.size()) + 64);
  }
  EXPECT_EQ(decoder.Next(rest).data.size(), 80'000);
  EXPECT_GE(HeapBytes() - before, 80'000);
  EXPECT_EQ(decoder.Next(rest).type, Type::kNeedMore);
  EXPECT_EQ(HeapBytes(), before);
}

TEST(WsDecoderTest, CloseAndErrorReleaseAnUnfinishedMessage) {
  if (!HeapIsCounted()) GTEST_SKIP() << "malloc is not glibc's";
  for (const std::string& end : {CloseFrame(1000), Frame(kFin | kText, "interleaved")}) {
    std::string stream = Frame(kBinary, std::string(50'000, 'a')) + end;
    std::span<char> in(stream);
    WsDecoder decoder(kLimit);
    const size_t before = HeapBytes();
    decoder.Next(in);
    EXPECT_EQ(HeapBytes(), before);
  }
}

TEST(WsDecoderTest, DeclaredLengthAllocatesNothing) {
  std::string header = Header(kFin | kBinary, 1ull << 62);
  std::span<char> in(header);
  WsDecoder decoder(std::numeric_limits<size_t>::max());
  const size_t before = HeapBytes();
  EXPECT_EQ(decoder.Next(in).type, Type::kNeedMore);
  EXPECT_EQ(HeapBytes(), before);
  std::string payload(100, 'x');
  in = payload;
  EXPECT_EQ(decoder.Next(in).type, Type::kNeedMore);
  EXPECT_LE(HeapBytes(), before + 256);
}

}  // namespace
}  // namespace cairn::wire

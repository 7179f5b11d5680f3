#include "proto/wire/ws_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "tests/support/decoded_frames.h"

namespace cairn::wire {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using Type = WsDecoder::EventType;

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

}  // namespace
}  // namespace cairn::wire

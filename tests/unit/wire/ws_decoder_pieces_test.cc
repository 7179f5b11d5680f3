// WsDecoder on streams in pieces of every size: the same events, and memory only for bytes
// received.
#include <gtest/gtest.h>
#include <malloc.h>

#include <iterator>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/ws_decoder.h"
#include "tests/support/decoded_frames.h"

namespace cairn::wire {
namespace {

using Type = WsDecoder::EventType;

TEST(WsDecoderPieces, EverySplitOfTheStreamGivesTheSameEvents) {
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

TEST(WsDecoderPieces, RandomStreamsGiveTheSameEventsInRandomPieces) {
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

TEST(WsDecoderPieces, MemoryGrowsWithReceivedBytesAndIsReleasedWithTheMessage) {
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

TEST(WsDecoderPieces, CloseAndErrorReleaseAnUnfinishedMessage) {
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

TEST(WsDecoderPieces, DeclaredLengthAllocatesNothing) {
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

#include "core/first_request.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "core/http2_frames.h"

namespace cairn::core {
namespace {

using namespace std::string_literals;
using State = FirstRequest::State;

std::string Field(std::string_view name, std::string_view value) {
  const auto text = [](std::string_view bytes) {
    EXPECT_LT(bytes.size(), 127u);
    return std::string(1, static_cast<char>(bytes.size())) + std::string(bytes);
  };
  return "\0"s + text(name) + text(value);
}

std::string Request(const std::string& more = {}) {
  return Field(":method", "POST") + Field(":path", "/service/Call") + more;
}

std::string Headers(const std::string& block, uint8_t flags = http2::kEndHeaders,
                    uint32_t stream = 1) {
  return http2::Frame(http2::kHeaders, flags, stream, block);
}

const std::string kBegin = std::string(http2::kPreface) + http2::Frame(http2::kSettings, 0, 0, "");
const std::string kAcknowledgement = http2::Frame(http2::kSettings, http2::kAck, 0, "");

State After(const std::string& bytes) { return FirstRequest().Take(bytes); }

TEST(FirstRequestTest, KnowsTheFirstCallAndItsToken) {
  FirstRequest request;
  EXPECT_EQ(request.Take(kBegin), State::kReading);
  EXPECT_EQ(request.Take(kAcknowledgement), State::kReading);
  EXPECT_EQ(request.Take(Headers(Request(Field("authorization", "Bearer secret")))),
            State::kComplete);
  EXPECT_EQ(request.path(), "/service/Call");
  EXPECT_EQ(request.authorization(), "Bearer secret");
  EXPECT_EQ(request.stream_id(), 1u);
}

TEST(FirstRequestTest, KnowsACallerThatMakesNoOtherCall) {
  FirstRequest lane, other;
  lane.Take(kBegin + kAcknowledgement + Headers(Request(Field("cairn-connection", "one-call"))));
  other.Take(kBegin + kAcknowledgement + Headers(Request(Field("cairn-connection", "many"))));
  EXPECT_TRUE(lane.one_call());
  EXPECT_FALSE(other.one_call());
}

TEST(FirstRequestTest, AnyCutGivesTheSame) {
  const std::string all = kBegin + kAcknowledgement + Headers(Request()) + "behind it";
  for (size_t cut = 0; cut <= all.size(); ++cut) {
    FirstRequest request;
    request.Take(all.substr(0, cut));
    ASSERT_EQ(request.Take(all.substr(cut)), State::kComplete) << cut;
    ASSERT_EQ(request.received(), kBegin + Headers(Request()) + "behind it") << cut;
  }
}

// A client may send its call before it has seen our SETTINGS (RFC 9113, 3.4).
TEST(FirstRequestTest, WaitsForTheAcknowledgementAndLeavesItOut) {
  const std::string body = http2::Frame(http2::kData, 0, 1, std::string(10'000, 'x'));
  FirstRequest request;
  EXPECT_EQ(request.Take(kBegin + Headers(Request())), State::kHasRequest);
  EXPECT_EQ(request.Take(body), State::kHasRequest);
  EXPECT_EQ(request.Take(kAcknowledgement + body), State::kComplete);
  EXPECT_EQ(request.received(), kBegin + Headers(Request()) + body + body);
}

TEST(FirstRequestTest, TakesPaddingAndPriority) {
  const std::string block = "\3"s + "\0\0\0\0\1"s + Request() + "\0\0\0"s;
  FirstRequest request;
  request.Take(kBegin + Headers(block, http2::kEndHeaders | http2::kPadded | http2::kWithPriority));
  EXPECT_EQ(request.path(), "/service/Call");
}

TEST(FirstRequestTest, InputThatIsNotHttp2IsBrokenAtItsFirstWrongOctet) {
  EXPECT_EQ(After("GET"), State::kBroken);
  EXPECT_EQ(After("PRI * HTTP/1"), State::kBroken);
  EXPECT_EQ(After("\x16\x03"), State::kBroken) << "TLS";
}

TEST(FirstRequestTest, OnlySettingsComeFirst) {
  const std::string preface(http2::kPreface);
  EXPECT_EQ(After(preface + Headers(Request())), State::kBroken);
  EXPECT_EQ(After(preface + kAcknowledgement), State::kBroken);
  EXPECT_EQ(After(preface + http2::Frame(http2::kSettings, 0, 0, "12345")), State::kBroken);
  EXPECT_EQ(After(kBegin + http2::Frame(http2::kSettings, 0, 0, "")), State::kBroken) << "again";
}

TEST(FirstRequestTest, NothingNeedsContinuation) {
  EXPECT_EQ(After(kBegin + Headers(Request(), 0)), State::kBroken);
  constexpr uint8_t kContinuation = 9;
  EXPECT_EQ(After(kBegin + Headers(Request()) + http2::Frame(kContinuation, 0, 1, "")),
            State::kBroken);
}

TEST(FirstRequestTest, AResetIsBroken) {
  constexpr uint8_t kReset = 3;
  EXPECT_EQ(After(kBegin + Headers(Request()) + http2::Frame(kReset, 0, 1, "\0\0\0\0"s)),
            State::kBroken);
}

// One field of 4,000 bytes in the table, named again by one byte each time.
TEST(FirstRequestTest, HeadersAreBoundedAfterDecompression) {
  const std::string entry = "\x40\x01x\x7f\xa1\x1e"s + std::string(4000, 'x');
  EXPECT_EQ(After(kBegin + Headers(entry + Request())), State::kHasRequest);
  EXPECT_EQ(After(kBegin + Headers(entry + std::string(2, '\xbe') + Request())),
            State::kHasRequest);
  EXPECT_EQ(After(kBegin + Headers(entry + std::string(4, '\xbe') + Request())), State::kBroken);
}

TEST(FirstRequestTest, ATooLongFrameIsBrokenAtItsHeader) {
  EXPECT_EQ(After(kBegin + "\0\x40\x01\1\4\0\0\0\1"s), State::kBroken);
}

TEST(FirstRequestTest, FramesWithoutACallAreBounded) {
  constexpr uint8_t kUnknown = 0x20;
  EXPECT_EQ(After(kBegin + http2::Frame(kUnknown, 0, 0, "")), State::kBroken);
  FirstRequest request;
  request.Take(kBegin);
  const std::string ping = http2::Frame(http2::kPing, 0, 0, "12345678");
  size_t sent = 0;
  while (request.Take(ping) == State::kReading) sent += ping.size();
  EXPECT_EQ(request.state(), State::kBroken);
  EXPECT_LE(sent, FirstRequest::kMaxBytes);
  EXPECT_LE(request.received().size(), FirstRequest::kMaxBytes + ping.size());
}

TEST(FirstRequestTest, ACallWithoutAPathIsBroken) {
  EXPECT_EQ(After(kBegin + Headers(Field(":method", "POST"))), State::kBroken);
  EXPECT_EQ(After(kBegin + Headers("")), State::kBroken);
  EXPECT_EQ(After(kBegin + Headers(Request(), http2::kEndHeaders, 2)), State::kBroken)
      << "streams of clients are odd";
}

TEST(FirstRequestTest, OurSettingsAreOneFrame) {
  const std::string settings = FirstRequest::Settings();
  ASSERT_GE(settings.size(), http2::kFrameHeaderBytes);
  EXPECT_EQ(static_cast<size_t>(settings[2]) + http2::kFrameHeaderBytes, settings.size());
  EXPECT_EQ(settings[3], http2::kSettings);
}

}  // namespace
}  // namespace cairn::core

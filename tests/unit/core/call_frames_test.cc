#include "core/call_frames.h"

#include <gtest/gtest.h>

#include <string>

#include "core/http2_frames.h"

namespace cairn::core {
namespace {

const std::string kPreface(http2::kPreface);

std::string Call() { return http2::Frame(http2::kHeaders, http2::kEndHeaders, 1, "fields"); }

std::string Calls(int count) {
  std::string calls;
  for (int i = 0; i < count; ++i) calls += Call() + http2::Frame(http2::kReset, 0, 1, "1234");
  return calls;
}

TEST(CallFramesTest, OneByteAtATimeIsAdmittedAsIfAtOnce) {
  CallFrames whole(false, absl::ZeroDuration()), pieces(false, absl::ZeroDuration());
  const std::string said = kPreface + Calls(5) + http2::Frame(http2::kData, 0, 1, "");
  EXPECT_EQ(whole.Admit(said, absl::ZeroDuration()), said.size());
  std::string waiting;
  size_t admitted = 0;
  for (const char byte : said) {
    waiting += byte;
    const size_t bytes = pieces.Admit(waiting, absl::ZeroDuration());
    admitted += bytes;
    waiting.erase(0, bytes);
    EXPECT_LT(waiting.size(), http2::kFrameHeaderBytes);
  }
  EXPECT_EQ(admitted, said.size());
}

TEST(CallFramesTest, CallsAboveTheRateWait) {
  CallFrames frames(false, absl::ZeroDuration());
  const std::string calls = Calls(1000);
  const size_t one = Calls(1).size();
  ASSERT_EQ(frames.Admit(kPreface, absl::ZeroDuration()), kPreface.size());
  size_t admitted = frames.Admit(calls, absl::ZeroDuration());
  EXPECT_EQ(admitted, one * 500);
  EXPECT_EQ(frames.resumes(), absl::Milliseconds(2));
  EXPECT_EQ(frames.Admit(calls.substr(admitted), absl::Milliseconds(1)), 0);
  admitted += frames.Admit(calls.substr(admitted), absl::Milliseconds(2));
  EXPECT_EQ(admitted, one * 501);
  admitted += frames.Admit(calls.substr(admitted), absl::Seconds(10));
  EXPECT_EQ(admitted, calls.size());
  EXPECT_EQ(frames.resumes(), absl::InfiniteDuration());
}

TEST(CallFramesTest, DataIsNoCall) {
  CallFrames frames(false, absl::ZeroDuration());
  std::string said = kPreface + Call();
  for (int i = 0; i < 2000; ++i) said += http2::Frame(http2::kData, 0, 1, std::string(1000, 'x'));
  EXPECT_EQ(frames.Admit(said, absl::ZeroDuration()), said.size());
}

TEST(CallFramesTest, AHeaderBlockHasABound) {
  for (const size_t piece : {size_t{0}, size_t{100}, size_t{16000}}) {
    CallFrames frames(false, absl::ZeroDuration());
    std::string said = kPreface + http2::Frame(http2::kHeaders, 0, 1, "x");
    for (int i = 0; i < 3000; ++i)
      said += http2::Frame(http2::kContinuation, 0, 1, std::string(piece, 'x'));
    EXPECT_LT(frames.Admit(said, absl::ZeroDuration()), CallFrames::kMaxBlockBytes + 100) << piece;
    EXPECT_TRUE(frames.broken());
    EXPECT_EQ(frames.Admit(Call(), absl::Seconds(1)), 0);
  }
  CallFrames frames(false, absl::ZeroDuration());
  frames.Admit(kPreface + http2::Frame(http2::kHeaders, 0, 1, std::string(20 << 10, 'x')),
               absl::ZeroDuration());
  EXPECT_TRUE(frames.broken());
}

TEST(CallFramesTest, BlocksCountEachForItself) {
  CallFrames frames(false, absl::ZeroDuration());
  std::string said = kPreface;
  for (int i = 0; i < 10; ++i) {
    said += http2::Frame(http2::kHeaders, 0, 1, std::string(4000, 'x')) +
            http2::Frame(http2::kContinuation, http2::kEndHeaders, 1, std::string(4000, 'x'));
  }
  EXPECT_EQ(frames.Admit(said, absl::ZeroDuration()), said.size());
  EXPECT_FALSE(frames.broken());
}

TEST(CallFramesTest, EncryptedBytesHaveARate) {
  CallFrames frames(true, absl::ZeroDuration());
  const std::string said(1 << 20, 'x');
  size_t admitted = frames.Admit(said, absl::ZeroDuration());
  EXPECT_EQ(admitted, size_t{64} << 10);
  EXPECT_LT(frames.resumes(), absl::Milliseconds(20));
  absl::Duration now;
  int turns = 0;
  for (; admitted < said.size() && turns < 1000; ++turns) {
    now = frames.resumes();
    admitted += frames.Admit(said.substr(admitted), now);
  }
  EXPECT_EQ(admitted, said.size());
  EXPECT_LT(turns, 300);
  EXPECT_GT(now, absl::Seconds(3.7));
  EXPECT_LT(now, absl::Seconds(3.9));
}

TEST(CallFramesTest, AFewEncryptedBytesNeedNotWaitForMore) {
  CallFrames frames(true, absl::ZeroDuration());
  EXPECT_EQ(frames.Admit(std::string(60 << 10, 'x'), absl::ZeroDuration()), size_t{60} << 10);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(frames.Admit("12345", absl::ZeroDuration()), 5);
}

}  // namespace
}  // namespace cairn::core

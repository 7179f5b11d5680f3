#include "proto/wire/ws_encoder.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/wire/utf8.h"

namespace cairn::wire {
namespace {

std::string HeaderOf(WsOpcode opcode, size_t payload_bytes) {
  std::string out;
  AppendWsHeader(opcode, payload_bytes, out);
  return out;
}

std::string CloseOf(uint16_t code, std::string_view reason) {
  std::string out;
  AppendWsClose(code, reason, out);
  return out;
}

TEST(WsEncoderTest, EncodesTheExamplesOfTheRfc) {  // 5.7
  std::string out;
  AppendWsFrame(WsOpcode::kText, "Hello", out);
  EXPECT_EQ(out, "\x81\x05Hello");
  using std::string_literals::operator""s;
  EXPECT_EQ(HeaderOf(WsOpcode::kBinary, 256), "\x82\x7E\x01\x00"s);
  EXPECT_EQ(HeaderOf(WsOpcode::kBinary, 65536), "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"s);
}

TEST(WsEncoderTest, UsesTheShortestLengthForm) {
  using std::string_literals::operator""s;
  EXPECT_EQ(HeaderOf(WsOpcode::kText, 0), "\x81\x00"s);
  EXPECT_EQ(HeaderOf(WsOpcode::kText, 125), "\x81\x7D"s);
  EXPECT_EQ(HeaderOf(WsOpcode::kText, 126), "\x81\x7E\x00\x7E"s);
  EXPECT_EQ(HeaderOf(WsOpcode::kText, 65535), "\x81\x7E\xFF\xFF"s);
  EXPECT_EQ(HeaderOf(WsOpcode::kText, 0x0123456789ABCDEF),
            "\x81\x7F\x01\x23\x45\x67\x89\xAB\xCD\xEF"s);
}

TEST(WsEncoderTest, EveryOpcodeIsAFinalUnmaskedFrame) {
  using std::string_literals::operator""s;
  EXPECT_EQ(HeaderOf(WsOpcode::kClose, 2), "\x88\x02"s);
  EXPECT_EQ(HeaderOf(WsOpcode::kPing, 0), "\x89\x00"s);
  EXPECT_EQ(HeaderOf(WsOpcode::kPong, 125), "\x8A\x7D"s);
}

TEST(WsEncoderTest, AppendsAfterEarlierBytes) {
  std::string out = "before";
  AppendWsFrame(WsOpcode::kPong, "p", out);
  AppendWsClose(1001, "", out);
  EXPECT_EQ(out, "before\x8A\x01p\x88\x02\x03\xE9");
}

TEST(WsEncoderTest, CloseCarriesCodeThenReason) {
  using std::string_literals::operator""s;
  EXPECT_EQ(CloseOf(1000, "bye"),
            "\x88\x05\x03\xE8"
            "bye"s);
  EXPECT_EQ(CloseOf(0, ""), "\x88\x00"s);
  EXPECT_EQ(CloseOf(0, "a reason needs a code"), "\x88\x00"s);
}

TEST(WsEncoderTest, CloseReasonIsCutToFit) {
  EXPECT_EQ(CloseOf(1008, std::string(123, 'r')), "\x88\x7D\x03\xF0" + std::string(123, 'r'));
  EXPECT_EQ(CloseOf(1008, std::string(124, 'r')), "\x88\x7D\x03\xF0" + std::string(123, 'r'));
}

TEST(WsEncoderTest, CloseReasonIsNotCutInsideACharacter) {
  for (const std::string character : {"\xC3\xBC", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    for (size_t ascii = 118; ascii <= 123; ++ascii) {
      const std::string frame = CloseOf(1008, std::string(ascii, 'r') + character + "more of it");
      const std::string_view reason = std::string_view(frame).substr(4);
      EXPECT_TRUE(IsUtf8(reason)) << ascii;
      EXPECT_GT(reason.size() + character.size(), 123) << ascii;
      EXPECT_LE(reason.size(), 123) << ascii;
    }
  }
}

TEST(WsEncoderTest, FrameSizeFindsTheEndOfTheFirstFrame) {
  for (const size_t payload : {0u, 1u, 125u, 126u, 65535u, 65536u, 100000u}) {
    std::string frames;
    AppendWsFrame(WsOpcode::kBinary, std::string(payload, '\xFF'), frames);
    const size_t size = frames.size();
    EXPECT_EQ(size, HeaderOf(WsOpcode::kBinary, payload).size() + payload);
    AppendWsFrame(WsOpcode::kText, "next", frames);
    EXPECT_EQ(WsFrameSize(frames), size);
    std::string_view rest = frames;
    EXPECT_EQ(TakeWsFrame(rest).size(), size);
    EXPECT_EQ(TakeWsFrame(rest), "\x81\x04next");
    EXPECT_EQ(rest, "");
    EXPECT_EQ(WsFrameSize(HeaderOf(WsOpcode::kBinary, payload)), size);
  }
}

}  // namespace
}  // namespace cairn::wire

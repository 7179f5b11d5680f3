#include "base/unicode.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace cairn {
namespace {

std::string Json(std::string_view text) {
  std::string out;
  AppendJsonString(text, out);
  return out;
}

TEST(Unicode, JsonStringsAreEscapedAndStayOnOneLine) {
  EXPECT_EQ(Json("a\"b\\c\n\x01\x7f/ü"), R"("a\"b\\c\n\u0001\u007f/ü")");
}

TEST(Unicode, JsonStringsEscapeBidirectionalControls) {
  EXPECT_EQ(Json("a\u202eb\u009b\U000E0041"), R"("a\u202eb\u009b\udb40\udc41")");
}

TEST(Unicode, JsonStringsReplaceInvalidUtf8) { EXPECT_EQ(Json("a\xff!"), "\"a\uFFFD!\""); }

TEST(Unicode, ControlFormatAndSeparatorCharactersAreUnsafe) {
  // One of each block: controls, directions, zero width, separators, tags, and format characters of
  // single scripts.
  for (const char32_t code : std::initializer_list<char32_t>{
           0x00,   0x1f,   0x7f,   0x9f,   0xad,   0x61c,   0x200b,  0x200f,  0x2028, 0x202e,
           0x2060, 0x2065, 0x206f, 0xfeff, 0xfff9, 0xe0000, 0xe0041, 0xe007f, 0x180e, 0x1d173}) {
    EXPECT_TRUE(IsUnsafe(code)) << std::hex << static_cast<uint32_t>(code);
  }
  for (const char32_t code : std::initializer_list<char32_t>{0x20, 0x7e, 0xa0, 0xfc, 0x301, 0x65e5,
                                                             0xfe0f, 0xe000, 0x1f600}) {
    EXPECT_FALSE(IsUnsafe(code)) << std::hex << static_cast<uint32_t>(code);
  }
}

TEST(Unicode, BytesThatAreNotUtf8AreTakenOneByOne) {
  for (const char* text : {"\xff", "\xe2\x82", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    const Character first = DecodeUtf8(text);
    EXPECT_FALSE(first.valid) << text;
    EXPECT_EQ(first.size, 1u) << text;
    EXPECT_EQ(first.code, static_cast<unsigned char>(text[0])) << text;
  }
}

}  // namespace
}  // namespace cairn

#include "proto/wire/utf8.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::wire {
namespace {

// RFC 3629 section 3, for any number of up to 21 bits: also what is not a character.
std::string Encode(uint32_t code_point) {
  const auto last_six = [](uint32_t bits) { return static_cast<char>(0x80 | (bits & 0x3f)); };
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  if (code_point < 0x800) {
    return {static_cast<char>(0xc0 | code_point >> 6), last_six(code_point)};
  }
  if (code_point < 0x10000) {
    return {static_cast<char>(0xe0 | code_point >> 12), last_six(code_point >> 6),
            last_six(code_point)};
  }
  return {static_cast<char>(0xf0 | code_point >> 18), last_six(code_point >> 12),
          last_six(code_point >> 6), last_six(code_point)};
}

TEST(Utf8Test, EveryCharacterIsAcceptedAndNoSurrogate) {
  for (uint32_t code_point = 0; code_point <= 0x10ffff; ++code_point) {
    const bool is_surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
    ASSERT_EQ(IsUtf8(Encode(code_point)), !is_surrogate) << std::hex << code_point;
  }
}

TEST(Utf8Test, NothingAboveTheLastCharacterIsAccepted) {
  for (uint32_t number = 0x110000; number <= 0x1fffff; ++number) {
    ASSERT_FALSE(IsUtf8(Encode(number))) << std::hex << number;
  }
}

// Every character is accepted (above), so what must be ruled out is that anything else is: count.
TEST(Utf8Test, AsManyShortStringsAreAcceptedAsThereAreTextsOfThatSize) {
  constexpr size_t kOneByte = 0x80;
  constexpr size_t kTwoBytes = 0x800 - 0x80;
  constexpr size_t kThreeBytes = 0x10000 - 0x800 - 0x800;  // without the surrogates
  size_t of_one = 0;
  size_t of_two = 0;
  size_t of_three = 0;
  std::string text(3, '\0');
  const std::string_view all = text;
  for (uint32_t bytes = 0; bytes < 1 << 24; ++bytes) {
    text[0] = static_cast<char>(bytes & 0xff);
    text[1] = static_cast<char>(bytes >> 8 & 0xff);
    text[2] = static_cast<char>(bytes >> 16);
    if (bytes < 1 << 8) of_one += IsUtf8(all.substr(0, 1)) ? 1 : 0;
    if (bytes < 1 << 16) of_two += IsUtf8(all.substr(0, 2)) ? 1 : 0;
    of_three += IsUtf8(all) ? 1 : 0;
  }
  EXPECT_EQ(of_one, kOneByte);
  EXPECT_EQ(of_two, kOneByte * kOneByte + kTwoBytes);
  EXPECT_EQ(of_three, kOneByte * kOneByte * kOneByte + 2 * kOneByte * kTwoBytes + kThreeBytes);
}

TEST(Utf8Test, FourByteFormsAreBoundedOnBothSides) {
  EXPECT_TRUE(IsUtf8("\xf0\x90\x80\x80"));
  EXPECT_FALSE(IsUtf8("\xf0\x8f\xbf\xbf"));  // overlong
  EXPECT_TRUE(IsUtf8("\xf4\x8f\xbf\xbf"));
  EXPECT_FALSE(IsUtf8("\xf4\x90\x80\x80"));  // U+110000
  EXPECT_FALSE(IsUtf8("\xf0\x90\x80\xc0"));
  EXPECT_FALSE(IsUtf8("\xf0\x90\x7f\x80"));
  EXPECT_FALSE(IsUtf8("\xf8\x88\x80\x80\x80"));  // five bytes
}

TEST(Utf8Test, ACharacterCutShortIsRefused) {
  const std::string grin = "\xf0\x9f\x98\x80";
  for (size_t size = 1; size < grin.size(); ++size) {
    EXPECT_FALSE(IsUtf8(std::string(100, 'a') + grin.substr(0, size))) << size;
    EXPECT_FALSE(IsUtf8(grin.substr(0, size) + "a")) << size;
  }
}

TEST(Utf8Test, TextInPiecesIsUnfinishedWhileACharacterIsAndFailsAtItsFirstBadByte) {
  EXPECT_EQ(UnfinishedUtf8(""), 0u);
  EXPECT_EQ(UnfinishedUtf8("abc"), 0u);
  EXPECT_EQ(UnfinishedUtf8("abc\xC3"), 1u);
  EXPECT_EQ(UnfinishedUtf8("\xE2\x82\xAC\xE2\x82"), 2u);
  EXPECT_EQ(UnfinishedUtf8("\xF4\x8F\xBF"), 3u);
  for (const char* bad : {"\xFF", "\x80", "\xC1", "\xE0\x9F", "\xED\xA0", "\xF0\x8F", "\xF4\x90",
                          "\xF5", "\xE2\x82z", "\xC3z"}) {
    EXPECT_EQ(UnfinishedUtf8(bad), std::nullopt) << testing::PrintToString(bad);
  }
}

TEST(Utf8Test, EmptyTextIsAccepted) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8(std::string_view()));
}

TEST(Utf8Test, OneBadByteIsFoundAtEveryOffsetOfALongText) {
  std::string text(41, 'a');
  ASSERT_TRUE(IsUtf8(text));
  for (size_t at = 0; at < text.size(); ++at) {
    for (const char bad : {'\x80', '\xc0', '\xff'}) {
      text[at] = bad;
      EXPECT_FALSE(IsUtf8(text)) << at;
    }
    text[at] = 'a';
  }
}

TEST(Utf8Test, MultiByteCharactersAreFoundAtEveryOffsetOfALongText) {
  for (const std::string_view character : {"\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x98\x80"}) {
    for (size_t before = 0; before < 20; ++before) {
      std::string text(before, 'a');
      text.append(character).append(character).append(20, 'z');
      EXPECT_TRUE(IsUtf8(text)) << before;
    }
  }
}

}  // namespace
}  // namespace cairn::wire

#include "admin-cli/printing/printable.h"

#include <gtest/gtest.h>

namespace cairn::admin {
namespace {

TEST(PrintableTest, OrdinaryTextStaysAsItIs) {
  for (const char* text : {"", "plain", "C:\\path", "Grüße", "日本", "😀"})
    EXPECT_EQ(Printable(text), text);
}

TEST(PrintableTest, ControlCharactersAreEscaped) {
  EXPECT_EQ(Printable("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(Printable("a\r\nb\tc"), "a\\x0d\\x0ab\\x09c");
  EXPECT_EQ(Printable("\x7f"), "\\x7f");
  // C1: CSI in one character.
  EXPECT_EQ(Printable("\xc2\x9b"), "\\x9b");
}

TEST(PrintableTest, BidirectionalControlsAreEscaped) {
  EXPECT_EQ(Printable("a\u202eb"), "a\\u{202e}b");
  EXPECT_EQ(Printable("a\u2066b"), "a\\u{2066}b");
  EXPECT_EQ(Printable("\u200b"), "\\u{200b}");
}

TEST(PrintableTest, BytesThatAreNotUtf8BecomeHex) {
  EXPECT_EQ(Printable("a\xff\xfe"), "a\\xff\\xfe");
  EXPECT_EQ(Printable("\xe2\x82"), "\\xe2\\x82");           // cut
  EXPECT_EQ(Printable("\xc0\x80"), "\\xc0\\x80");           // overlong
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
}

TEST(PrintableTest, WidthIsThatOnATerminal) {
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth("Grüße"), 5u);
  EXPECT_EQ(DisplayWidth("日本"), 4u);
  EXPECT_EQ(DisplayWidth("😀"), 2u);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1u);
}

TEST(PrintableTest, CuttingLeavesRoomForTheMarkAndNoHalfCharacters) {
  EXPECT_EQ(CutToWidth("abcdef", 6, "~"), "abcdef");
  EXPECT_EQ(CutToWidth("abcdef", 5, "~"), "abcd~");
  EXPECT_EQ(CutToWidth("abcdef", 1, "~"), "~");
  EXPECT_EQ(CutToWidth("abcdef", 0, "~"), "");
  EXPECT_EQ(CutToWidth("日本語", 4, "~"), "日~");
  EXPECT_EQ(CutToWidth("Grüße", 4, "…"), "Grü…");
}

}  // namespace
}  // namespace cairn::admin

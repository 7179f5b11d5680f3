#include "base/log_line.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>

namespace cairn::log {
namespace {

namespace json = boost::json;

json::object ParsedLine(std::string_view event, Fields fields) {
  const std::string line = LineAsJson(event, fields);
  return json::parse("{" + line + "}").as_object();
}

// A value as a JSON reader gets it back.
std::string ThroughJson(std::string_view value) {
  const std::string line = LineAsJson("e", {{"key", value}});
  return std::string(json::parse("{" + line + "}").as_object().at("key").as_string());
}

TEST(LogLineText, FieldsFollowTheEventInTheirOrder) {
  EXPECT_EQ(LineAsText("stopped", {}), "stopped");
  EXPECT_EQ(LineAsText("listening", {{"url", "ws://[::1]:80"}, {"threads", 2}, {"tls", false}}),
            "listening url=ws://[::1]:80 threads=2 tls=false");
}

TEST(LogLineText, OnlyValuesThatAreNoWordAreQuoted) {
  EXPECT_EQ(LineAsText("e", {{"a", ""}, {"b", "two words"}, {"c", "a=b"}, {"d", "say \"hi\""}}),
            R"(e a="" b="two words" c=a=b d="say \"hi\"")");
  EXPECT_EQ(LineAsText("e", {{"a", Text("word")}}), R"(e a="word")") << "free text always is";
  EXPECT_EQ(LineAsText("e", {{"a", "grün"}}), "e a=grün");
}

TEST(LogLineText, NoValueCanEndItsLineOrSpeakToATerminal) {
  EXPECT_EQ(LineAsText("e", {{"a", "x\r\n2026 INFO forged\x1b[2J\x7f"}}),
            R"(e a="x\u000d\n2026 INFO forged\u001b[2J\u007f")");
  EXPECT_EQ(LineAsText("e", {{"a", std::string_view("\0", 1)}}), R"(e a="\u0000")");
}

TEST(LogLineText, BidirectionalControlsAndInvisibleCharactersAreEscaped) {
  EXPECT_EQ(LineAsText("e", {{"a", "x\u202ey"}, {"b", "\u200b"}, {"c", "\u009b1m"}}),
            R"(e a="x\u202ey" b="\u200b" c="\u009b1m")");
  EXPECT_EQ(LineAsJson("e", {{"a", "\u2066\U000E0041"}}),
            R"("event":"e","a":"\u2066\udb40\udc41")");
  EXPECT_EQ(ThroughJson("\u2028\U000E0041"), "\u2028\U000E0041");
}

TEST(LogLineText, AValueOfAnyLengthMakesALineOfBoundedLength) {
  const std::string huge(100 << 20, 'x');
  EXPECT_EQ(LineAsText("e", {{"a", huge}}), "e a=\"" + std::string(4096, 'x') + "…\"");
  EXPECT_EQ(ThroughJson(huge), std::string(4096, 'x') + "…");
}

TEST(LogLineText, InvalidUtf8IsReplaced) {
  EXPECT_EQ(LineAsText("e", {{"a", "x\xff"}}), "e a=\"x\uFFFD\"");
}

TEST(LogLineJson, NumbersAndTruthsAreNoText) {
  EXPECT_EQ(LineAsJson("e", {{"n", -3}, {"t", true}, {"s", "3"}}),
            R"("event":"e","n":-3,"t":true,"s":"3")");
  EXPECT_EQ(ParsedLine("e", {{"n", std::numeric_limits<uint64_t>::max()}}).at("n").as_uint64(),
            std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(ParsedLine("e", {{"n", std::numeric_limits<int64_t>::min()}}).at("n").as_int64(),
            std::numeric_limits<int64_t>::min());
}

TEST(LogLineJson, EveryAsciiCharacterComesBack) {
  for (int c = 0; c < 0x80; ++c) {
    const std::string text = {'<', static_cast<char>(c), '>'};
    EXPECT_EQ(ThroughJson(text), text) << c;
    EXPECT_EQ(LineAsJson("e", {{"key", text}}).find('\n'), std::string::npos);
  }
}

TEST(LogLineJson, Utf8OfEveryLengthComesBack) {
  // First and last of each length; around the surrogates; the last of all.
  for (const char* text : {"\u0080", "\u07FF", "\u0800", "\uD7FF", "\uE000", "\uFFFF", "\U00010000",
                           "\U0010FFFF", "grün 🦀"}) {
    EXPECT_EQ(ThroughJson(text), text);
  }
}

TEST(LogLineJson, EachByteThatIsNotUtf8IsReplaced) {
  const std::string r = "\uFFFD";
  EXPECT_EQ(ThroughJson("a\x80z"), "a" + r + "z") << "continues nothing";
  EXPECT_EQ(ThroughJson("\xc0\xaf"), r + r) << "overlong";
  EXPECT_EQ(ThroughJson("\xe0\x9f\xbf"), r + r + r) << "overlong";
  EXPECT_EQ(ThroughJson("\xf0\x8f\xbf\xbf"), r + r + r + r) << "overlong";
  EXPECT_EQ(ThroughJson("\xed\xa0\x80"), r + r + r) << "surrogate";
  EXPECT_EQ(ThroughJson("\xf4\x90\x80\x80"), r + r + r + r) << "above U+10FFFF";
  EXPECT_EQ(ThroughJson("\xf5\xff"), r + r);
  EXPECT_EQ(ThroughJson("\xe2\x82"), r + r) << "cut short";
  EXPECT_EQ(ThroughJson("\xe2\x82z"), r + r + "z") << "what follows is kept";
}

}  // namespace
}  // namespace cairn::log

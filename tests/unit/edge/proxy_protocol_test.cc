#include "edge/proxy_protocol.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace cairn::edge {

void PrintTo(ProxyProtocol::State state, std::ostream* out) {
  constexpr const char* kNames[] = {"kNeedMore", "kAbsent", "kDone", "kMalformed"};
  *out << kNames[static_cast<size_t>(state)];
}

namespace {

using State = ProxyProtocol::State;
using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
constexpr std::string_view kRequest = "GET / HTTP/1.1\r\n\r\n";

struct Outcome {
  State state = State::kNeedMore;
  std::string source;  // "" for none
  std::string held;
  std::string left;  // what of the bytes was not taken
  bool operator==(const Outcome&) const = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
  PrintTo(outcome.state, out);
  *out << " source " << outcome.source << " held " << testing::PrintToString(outcome.held)
       << " left " << testing::PrintToString(outcome.left);
}

// As a connection does: a piece that is not used up is the end of it.
Outcome FeedPieces(const std::vector<std::string_view>& pieces) {
  ProxyProtocol parser;
  Outcome outcome;
  for (std::string_view piece : pieces) {
    outcome.state = parser.Feed(piece);
    if (outcome.state == State::kNeedMore) {
      EXPECT_TRUE(piece.empty());
    }
    outcome.left += piece;
  }
  outcome.held = parser.held();
  if (parser.source()) outcome.source = parser.source()->ToString();
  return outcome;
}

Outcome Parse(std::string_view bytes) { return FeedPieces({bytes}); }

std::string SourceOf(std::string_view bytes) {
  const Outcome outcome = Parse(bytes);
  EXPECT_EQ(outcome.state, State::kDone);
  EXPECT_EQ(outcome.left, "");
  return outcome.source;
}

// A v2 header with the right length.
std::string Binary(int version_and_command, int family_and_transport, const std::string& rest) {
  return kSignature + static_cast<char>(version_and_command) +
         static_cast<char>(family_and_transport) + static_cast<char>(rest.size() >> 8) +
         static_cast<char>(rest.size() & 0xff) + rest;
}

std::string Tlv(int type, const std::string& value) {
  return ""s + static_cast<char>(type) + static_cast<char>(value.size() >> 8) +
         static_cast<char>(value.size() & 0xff) + value;
}

// 203.0.113.9:56324 to 192.0.2.1:443.
const std::string kInet = "\xcb\x00\x71\x09\xc0\x00\x02\x01\xdc\x04\x01\xbb"s;
// [2001:db8::9]:56324 to [2001:db8::1]:443.
const std::string kInet6 =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\xdc\x04\x01\xbb"s;
const std::string kTlvs = Tlv(0x01, "h2") + Tlv(0x02, "signal.example") + Tlv(0x04, "") +
                          Tlv(0x20, std::string(300, 's')) + Tlv(0xE0, "\r\n\r\n");

// Whole headers, each with what it says.
struct Sample {
  std::string bytes;
  std::string source;
};
const std::vector<Sample> kSamples = {
    {"PROXY TCP4 203.0.113.9 192.0.2.1 56324 443\r\n", "203.0.113.9:56324"},
    {"PROXY TCP6 2001:db8::9 2001:db8::1 56324 443\r\n", "[2001:db8::9]:56324"},
    {"PROXY UNKNOWN\r\n", ""},
    {"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", ""},
    {Binary(0x21, 0x11, kInet), "203.0.113.9:56324"},
    {Binary(0x21, 0x21, kInet6), "[2001:db8::9]:56324"},
    {Binary(0x21, 0x11, kInet + kTlvs), "203.0.113.9:56324"},
    {Binary(0x21, 0x21, kInet6 + kTlvs), "[2001:db8::9]:56324"},
    {Binary(0x20, 0x00, ""), ""},
    {Binary(0x20, 0x11, kInet + kTlvs), ""},
    {Binary(0x21, 0x00, kTlvs), ""},
    {Binary(0x21, 0x31, std::string(216, 'u') + kTlvs), ""},
};

TEST(ProxyProtocol, HeaderEndsAtItsLastByte) {
  for (const Sample& sample : kSamples) {
    EXPECT_EQ(Parse(sample.bytes + std::string(kRequest)),
              (Outcome{State::kDone, sample.source, "", std::string(kRequest)}));
  }
}

TEST(ProxyProtocol, EveryCutGivesTheSameResult) {
  for (const Sample& sample : kSamples) {
    const std::string bytes = sample.bytes + std::string(kRequest);
    const Outcome whole = Parse(bytes);
    std::vector<std::string_view> single;
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
      const std::string_view view = bytes;
      EXPECT_EQ(FeedPieces({view.substr(0, cut), view.substr(cut)}), whole) << cut;
      if (cut < bytes.size()) single.push_back(view.substr(cut, 1));
    }
    EXPECT_EQ(FeedPieces(single), whole);
  }
}

TEST(ProxyProtocol, EveryBeginningOfAHeaderNeedsMore) {
  for (const Sample& sample : kSamples) {
    for (size_t bytes = 0; bytes < sample.bytes.size(); ++bytes) {
      EXPECT_EQ(Parse(sample.bytes.substr(0, bytes)), Outcome{}) << bytes;
    }
  }
}

TEST(ProxyProtocol, EveryCutOfOtherBytesIsAbsentAndLosesNone) {
  for (const std::string& bytes :
       {std::string(kRequest), "POST / HTTP/1.1\r\n\r\n"s, "PROPFIND /"s, "PROXy TCP4 "s,
        "\x16\x03\x01\x02\x00\x01"s, "\r\nGET / HTTP/1.1"s, kSignature.substr(0, 11) + "\r"s, "\0"s,
        " PROXY TCP4"s}) {
    EXPECT_EQ(Parse(bytes), (Outcome{State::kAbsent, "", "", bytes}));
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
      const std::string_view view = bytes;
      const Outcome outcome = FeedPieces({view.substr(0, cut), view.substr(cut)});
      EXPECT_EQ(outcome.state, State::kAbsent);
      EXPECT_EQ(outcome.held + outcome.left, bytes) << cut;
      EXPECT_LE(outcome.held.size(), 11u);
    }
  }
}

TEST(ProxyProtocol, NothingIsDecidedWithoutAByte) {
  EXPECT_EQ(Parse(""), Outcome{});
  EXPECT_EQ(FeedPieces({"", "", "GET"}), (Outcome{State::kAbsent, "", "", "GET"}));
}

TEST(ProxyProtocol, DecisionStaysAndLaterBytesAreLeftAlone) {
  for (const std::string& bytes : {kSamples[0].bytes, "GET"s, "PROXY \n"s}) {
    ProxyProtocol parser;
    std::string_view in = bytes;
    const State state = parser.Feed(in);
    EXPECT_NE(state, State::kNeedMore);
    std::string_view later = "PROXY UNKNOWN\r\n";
    EXPECT_EQ(parser.Feed(later), state);
    EXPECT_EQ(later.size(), 15u);
  }
}

TEST(ProxyProtocol, LineMayBeAsLongAsTheLongestThatTheSpecificationNames) {
  const std::string full = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  EXPECT_EQ(SourceOf("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
            "255.255.255.255:65535");
  EXPECT_EQ(SourceOf("PROXY TCP6 " + full + " " + full + " 65535 65535\r\n"),
            "[" + full + "]:65535");
  const std::string longest = "PROXY UNKNOWN " + full + " " + full + " 65535 65535\r\n";
  EXPECT_EQ(longest.size(), ProxyProtocol::kMaxLineBytes);
  EXPECT_EQ(SourceOf(longest), "");
}

TEST(ProxyProtocol, LineWithoutItsEndWithinTheBoundIsMalformed) {
  const std::string line = "PROXY UNKNOWN " + std::string(ProxyProtocol::kMaxLineBytes - 14, 'x');
  EXPECT_EQ(Parse(line.substr(0, line.size() - 1)).state, State::kNeedMore);
  EXPECT_EQ(Parse(line).state, State::kMalformed);
  // One byte too many.
  EXPECT_EQ(Parse(line.substr(0, line.size() - 1) + "\r\n").state, State::kMalformed);
  EXPECT_EQ(SourceOf(line.substr(0, line.size() - 2) + "\r\n"), "");
}

TEST(ProxyProtocol, PortsGoFromZeroTo65535) {
  EXPECT_EQ(SourceOf("PROXY TCP4 203.0.113.9 192.0.2.1 0 0\r\n"), "203.0.113.9:0");
  EXPECT_EQ(SourceOf("PROXY TCP6 ::1 ::1 65535 1\r\n"), "[::1]:65535");
}

TEST(ProxyProtocol, LineThatDeviatesFromTheFormIsMalformed) {
  for (const std::string& line : {
           "PROXY"s,
           "PROXY "s,
           "PROXY  TCP4 203.0.113.9 192.0.2.1 1 2"s,
           "PROXYTCP4 203.0.113.9 192.0.2.1 1 2"s,
           "PROXY tcp4 203.0.113.9 192.0.2.1 1 2"s,
           "PROXY UDP4 203.0.113.9 192.0.2.1 1 2"s,
           "PROXY TCP 203.0.113.9 192.0.2.1 1 2"s,
           "PROXY UNKNOWNS"s,
           "PROXY unknown"s,
           "PROXY TCP4"s,
           "PROXY TCP4 203.0.113.9 192.0.2.1 1"s,
           "PROXY TCP4 203.0.113.9 192.0.2.1 1 2 "s,
           "PROXY TCP4 203.0.113.9 192.0.2.1 1 2 3"s,
           "PROXY TCP4 203.0.113.9  192.0.2.1 1 2"s,
           "PROXY TCP4\t203.0.113.9 192.0.2.1 1 2"s,
           "PROXY TCP4 203.0.113.9 192.0.2.1 65536 2"s,
           "PROXY TCP4 203.0.113.9 192.0.2.1 1 65536"s,
           "PROXY TCP4 203.0.113.9 192.0.2.1 01 2"s,
           "PROXY TCP4 203.0.113.9 192.0.2.1 1 00"s,
           "PROXY TCP4 203.0.113.9 192.0.2.1 +1 2"s,
           "PROXY TCP4 203.0.113.9 192.0.2.1 1 x"s,
           "PROXY TCP4 203.0.113.09 192.0.2.1 1 2"s,
           "PROXY TCP4 203.0.113 192.0.2.1 1 2"s,
           "PROXY TCP4 203.0.113.256 192.0.2.1 1 2"s,
           "PROXY TCP4 203.0.113.9 192.0.2 1 2"s,
           "PROXY TCP4 203.0.113.9:5 192.0.2.1 1 2"s,
           "PROXY TCP4 2001:db8::9 2001:db8::1 1 2"s,
           "PROXY TCP4 [::1] 192.0.2.1 1 2"s,
           "PROXY TCP4 203.0.113.9\0 192.0.2.1 1 2"s,
           "PROXY TCP6 203.0.113.9 192.0.2.1 1 2"s,
           "PROXY TCP6 2001:db8::9 192.0.2.1 1 2"s,
           "PROXY TCP6 [2001:db8::9] [2001:db8::1] 1 2"s,
           "PROXY TCP6 2001::db8::9 2001:db8::1 1 2"s,
           "PROXY TCP6 fe80::1%eth0 fe80::2 1 2"s,
           "PROXY TCP6 12345::1 ::2 1 2"s,
       }) {
    const Outcome outcome = Parse(line + "\r\n");
    EXPECT_EQ(outcome.state, State::kMalformed) << line;
    EXPECT_EQ(outcome.source, "") << line;
  }
}

TEST(ProxyProtocol, LineEndOfOneByteIsMalformedAtOnce) {
  EXPECT_EQ(Parse("PROXY TCP4 203.0.113.9 192.0.2.1 1 2\n").state, State::kMalformed);
  EXPECT_EQ(Parse("PROXY TCP4 203.0.113.9 192.0.2.1 1 2\rX").state, State::kMalformed);
  EXPECT_EQ(Parse("PROXY UNKNOWN\n").state, State::kMalformed);
  EXPECT_EQ(Parse("PROXY UNKNOWN \r\r").state, State::kMalformed);
}

TEST(ProxyProtocol, DatagramAddressesCountAsAnyOther) {
  EXPECT_EQ(SourceOf(Binary(0x21, 0x12, kInet)), "203.0.113.9:56324");
  EXPECT_EQ(SourceOf(Binary(0x21, 0x22, kInet6)), "[2001:db8::9]:56324");
}

TEST(ProxyProtocol, UnspecifiedFamilyOrTransportNamesNoSource) {
  EXPECT_EQ(SourceOf(Binary(0x21, 0x00, "")), "");
  EXPECT_EQ(SourceOf(Binary(0x21, 0x01, "any")), "");
  EXPECT_EQ(SourceOf(Binary(0x21, 0x10, kInet)), "");
  EXPECT_EQ(SourceOf(Binary(0x21, 0x20, "")), "");
}

TEST(ProxyProtocol, OfALocalHeaderOnlyTheLengthCounts) {
  EXPECT_EQ(SourceOf(Binary(0x20, 0xff, "")), "");
  EXPECT_EQ(SourceOf(Binary(0x20, 0x21, "short")), "");
}

TEST(ProxyProtocol, OtherVersionsCommandsFamiliesAndTransportsAreMalformed) {
  for (const int first : {0x01, 0x11, 0x31, 0xf1, 0x22, 0x2f}) {
    EXPECT_EQ(Parse(Binary(first, 0x11, kInet)).state, State::kMalformed) << first;
  }
  for (const int second : {0x40, 0x41, 0xf1, 0x03, 0x13, 0x2f}) {
    EXPECT_EQ(Parse(Binary(0x21, second, std::string(216, 'x'))).state, State::kMalformed)
        << second;
  }
}

TEST(ProxyProtocol, LengthThatCannotHoldTheAddressesIsMalformedBeforeTheyCome) {
  const auto head = [](int family_and_transport, size_t length) {
    return Parse(Binary(0x21, family_and_transport, std::string(length, 'x')).substr(0, 16)).state;
  };
  EXPECT_EQ(head(0x11, 11), State::kMalformed);
  EXPECT_EQ(head(0x11, 12), State::kNeedMore);
  EXPECT_EQ(head(0x21, 35), State::kMalformed);
  EXPECT_EQ(head(0x21, 36), State::kNeedMore);
  EXPECT_EQ(head(0x31, 215), State::kMalformed);
  EXPECT_EQ(head(0x31, 216), State::kNeedMore);
}

TEST(ProxyProtocol, OversizeHeaderIsMalformedByItsLengthAlone) {
  const size_t most = ProxyProtocol::kMaxHeaderBytes - 16 - kInet.size();
  const std::string fits = Binary(0x21, 0x11, kInet + std::string(most, 't'));
  EXPECT_EQ(fits.size(), ProxyProtocol::kMaxHeaderBytes);
  EXPECT_EQ(SourceOf(fits), "203.0.113.9:56324");
  const std::string over = Binary(0x21, 0x11, kInet + std::string(most + 1, 't'));
  EXPECT_EQ(Parse(over.substr(0, 15)).state, State::kNeedMore);
  EXPECT_EQ(Parse(over.substr(0, 16)).state, State::kMalformed);
  EXPECT_EQ(Parse(kSignature + "\x20\x00\xff\xff"s).state, State::kMalformed);
}

}  // namespace
}  // namespace cairn::edge

// The bytes of cairn.signal.v2: those that docs/PROTOCOL.md shows, and one example of each of the
// others.
#include "proto/wire/v2_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "proto/wire/message_reader.h"
#include "tests/support/document.h"

namespace cairn::wire {
namespace {

using testing::HasSubstr;

// As the docs write bytes: blanks stand where a reader wants them, so they do not count.
std::string Hex(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(static_cast<uint8_t>(byte)));
    hex += digits;
  }
  return hex;
}

// The section's table has a row for it: | name | `bytes` |.
std::string DocumentedHex(const std::string& name) {
  const std::string text = ReadDocument("PROTOCOL.md");
  const size_t row = text.find("\n| " + name + " | `");
  EXPECT_NE(row, text.npos) << "no row for " << name;
  if (row == text.npos) return {};
  const size_t begin = text.find('`', row) + 1;
  std::string hex = text.substr(begin, text.find('`', begin) - begin);
  std::erase(hex, ' ');
  return hex;
}

template <typename Append>
std::string Written(Append append) {
  std::string out = "before";
  append(out);
  EXPECT_EQ(out.substr(0, 6), "before") << "appends";
  return out.substr(6);
}

TEST(V2Writer, WritesTheDocumentedBytes) {
  EXPECT_EQ(Hex(Written([](auto& out) { AppendSubscribed("t", 1, out); })),
            DocumentedHex("Subscribed {topic \"t\", others 1}"));
  EXPECT_EQ(Hex(Written([](auto& out) { AppendReceipt(7, 1, out); })),
            DocumentedHex("Receipt {id 7, reached 1}"));
}

TEST(V2Writer, TheDocumentedRelayReadsAsDocumented) {
  const std::string hex = DocumentedHex("Relay {topic \"t\", payload h'cafe', id 7}");
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  MessageReader reader;
  const DecodeResult decoded = reader.Read(bytes, Dialect::kV2);
  ASSERT_EQ(decoded.fault, DecodeFault::kNone);
  EXPECT_EQ(decoded.message.kind, MessageKind::kRelay);
  EXPECT_EQ(decoded.message.topic, "t");
  EXPECT_EQ(decoded.message.payload, "\xca\xfe");
  EXPECT_EQ(decoded.message.receipt_id, 7u);
  EXPECT_EQ(decoded.message.to, std::nullopt);
}

TEST(V2Writer, WritesEachMessageAsOneMapWithOneEntry) {
  EXPECT_EQ(Written([](auto& out) { AppendJoined("t", "00000000000000ff", out); }),
            "\xa1\x66Joined\xa2\x65topic\x61t\x64peer\x70"
            "00000000000000ff");
  EXPECT_EQ(Written([](auto& out) { AppendLeft("t", "00000000000000ff", out); }),
            "\xa1\x64Left\xa2\x65topic\x61t\x64peer\x70"
            "00000000000000ff");
  EXPECT_EQ(Written([](auto& out) { AppendRelayFrom("t", "\xca\xfe", "00000000000000ff", out); }),
            "\xa1\x65Relay\xa3\x65topic\x61t\x67payload\x42\xca\xfe\x64"
            "from\x70"
            "00000000000000ff");
  EXPECT_EQ(Written([](auto& out) { AppendError("bad_peer_id", "why", out); }),
            "\xa1\x65"
            "Error\xa2\x64"
            "code\x6b"
            "bad_peer_id\x64text\x63why");
  EXPECT_EQ(Written([](auto& out) { AppendMissed("t", out); }),
            "\xa1\x66"
            "Missed\xa1\x65topic\x61t");
  EXPECT_EQ(Written([](auto& out) { AppendDraining(1500, out); }),
            "\xa1\x68"
            "Draining\xa1\x64wait\x19\x05\xdc");
}

TEST(V2Writer, WritesTheWelcomeWithItsLimitsInside) {
  Welcome welcome;
  welcome.peer = "00000000000000ff";
  welcome.time_ms = 1'700'000'000'000;
  welcome.max_message_bytes = 65536;
  welcome.max_topic_bytes = 1024;
  welcome.max_topics = 23;
  EXPECT_EQ(Hex(Written([&](auto& out) { AppendWelcome(welcome, out); })),
            "a16757656c636f6d65a3"  // {"Welcome": {
            "6470656572"
            "7030303030303030303030303030306666"  // "peer"
            "6474696d65"
            "1b0000018bcfe56800"  // "time"
            "666c696d697473a3"    // "limits": {
            "676d657373616765"
            "1a00010000"  // "message"
            "65746f706963"
            "190400"  // "topic"
            "66746f70696373"
            "17");  // "topics"
}

TEST(V2Writer, NumbersHaveTheShortestForm) {
  for (const auto& [number, hex] : {std::pair<uint64_t, const char*>{0, "00"},
                                    {23, "17"},
                                    {24, "1818"},
                                    {255, "18ff"},
                                    {256, "190100"},
                                    {65536, "1a00010000"},
                                    {uint64_t{1} << 32, "1b0000000100000000"},
                                    {~uint64_t{0}, "1bffffffffffffffff"}}) {
    EXPECT_THAT(Hex(Written([n = number](auto& out) { AppendReceipt(n, 0, out); })),
                HasSubstr(std::string("a2626964") + hex + "6772656163686564" + "00"));
  }
}

}  // namespace
}  // namespace cairn::wire

// Compares WsDecoder, message by message, with Boost.Beast as a WebSocket server.
//
// Both get the same bytes: valid traffic, or valid traffic with one rule broken in its midst.
// Compared are the messages, the control frames among them, and the code of the Close frame that
// the server ends with. Where the two differ on purpose, a test of its own says how and why.
// Deterministic: the seed is fixed.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>

#include "proto/wire/ws_decoder.h"
#include "tests/support/ws_first_byte.h"
#include "tests/support/ws_traffic.h"
#include "tests/unit/wire/ws_outcome.h"

namespace cairn::wire {
namespace {

using Type = WsDecoder::EventType;

std::string ClosePayload(unsigned code, const std::string& reason = "") {
  return std::string({static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)}) + reason;
}

size_t ReadBytes(WsTraffic& traffic) {
  constexpr size_t kSizes[] = {1, 13, 1500, 100'000};
  return kSizes[traffic.Below(4)];
}

TEST(WsBeastParityTest, ValidTrafficGivesTheSameMessages) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    WsTraffic traffic(seed);
    traffic.Messages();
    if (seed % 3 == 0) traffic.Frame(kFin | kClose, ClosePayload(1000 + seed % 4, "b\xC3\xBC"));
    if (seed % 7 == 0) traffic.Frame(kFin | kClose, "");
    traffic.Messages();
    ASSERT_EQ(Ours(traffic.bytes()), Beasts(traffic.bytes(), ReadBytes(traffic)))
        << "seed " << seed;
  }
}

struct BrokenRule {
  const char* name;
  int close_code;
  std::function<void(WsTraffic&)> send;
};

const BrokenRule kBrokenRules[] = {
    {"unmasked message", 1002,
     [](WsTraffic& t) {
       t.Raw(
           "\x82\x03"
           "abc");
     }},
    {"unmasked ping", 1002,
     [](WsTraffic& t) {
       t.Raw(
           "\x89\x03"
           "abc");
     }},
    {"reserved bit on a message", 1002,
     [](WsTraffic& t) { t.Frame(kFin | kText | 0x10u << t.Below(3), "a"); }},
    {"reserved bit on a fragment", 1002,
     [](WsTraffic& t) {
       t.Frame(kText, "a");
       t.Frame(kFin | kContinuation | 0x10u << t.Below(3), "a");
     }},
    {"reserved bit on a ping", 1002,
     [](WsTraffic& t) { t.Frame(kFin | kPing | 0x10u << t.Below(3), "a"); }},
    {"reserved data opcode", 1002,
     [](WsTraffic& t) { t.Frame(kFin | unsigned(3 + t.Below(5)), "a"); }},
    {"reserved control opcode", 1002,
     [](WsTraffic& t) { t.Frame(kFin | unsigned(11 + t.Below(5)), "a"); }},
    {"fragmented ping", 1002, [](WsTraffic& t) { t.Frame(kPing, "a"); }},
    {"fragmented pong", 1002, [](WsTraffic& t) { t.Frame(kPong, "a"); }},
    {"fragmented close", 1002, [](WsTraffic& t) { t.Frame(kClose, ""); }},
    {"long ping", 1002, [](WsTraffic& t) { t.Frame(kFin | kPing, std::string(126, 'p')); }},
    {"long close", 1002,
     [](WsTraffic& t) { t.Frame(kFin | kClose, ClosePayload(1000, std::string(124, 'p'))); }},
    {"long form of a short ping", 1002,
     [](WsTraffic& t) { t.Frame(kFin | kPing, "a", 3 + 6 * t.Below(2)); }},
    {"stray continuation", 1002, [](WsTraffic& t) { t.Frame(kContinuation, "a"); }},
    {"stray final continuation", 1002, [](WsTraffic& t) { t.Frame(kFin | kContinuation, "a"); }},
    {"text inside a message", 1002,
     [](WsTraffic& t) {
       t.Frame(kBinary, "");
       t.Frame(kFin | kText, "a");
     }},
    {"binary inside a message", 1002,
     [](WsTraffic& t) {
       t.Frame(kText, "a");
       t.Control();
       t.Frame(kBinary, "a");
     }},
    {"close of one byte", 1002, [](WsTraffic& t) { t.Frame(kFin | kClose, "x"); }},
    {"bad text", 1007, [](WsTraffic& t) { t.Frame(kFin | kText, "good\xC0\xAF"); }},
    {"surrogate", 1007, [](WsTraffic& t) { t.Frame(kFin | kText, "\xED\xA0\x80"); }},
    {"text that ends inside a character", 1007,
     [](WsTraffic& t) { t.Frame(kFin | kText, "good\xE2\x82"); }},
    {"bad text in two fragments", 1007,
     [](WsTraffic& t) {
       t.Frame(kText, "good\xF4");
       t.Frame(kFin, "\x90\x80\x80");
     }},
    {"big message", 1009, [](WsTraffic& t) { t.Header(kFin | kBinary, kMaxMessageBytes + 1); }},
    {"huge message", 1009, [](WsTraffic& t) { t.Header(kText, (1ull << 63) - 1); }},
    {"big message in fragments", 1009,
     [](WsTraffic& t) {
       t.Frame(kBinary, std::string(kMaxMessageBytes - 5, 'b'));
       t.Frame(kContinuation, "12345");
       t.Header(kContinuation, 1 + t.Below(100));
     }},
};

TEST(WsBeastParityTest, EachBrokenRuleEndsBothAfterTheSameMessages) {
  for (const BrokenRule& rule : kBrokenRules) {
    for (uint64_t seed = 0; seed < 100; ++seed) {
      WsTraffic traffic(seed);
      traffic.Messages();
      rule.send(traffic);
      traffic.Messages();
      traffic.Frame(kFin | kBinary,
                    std::string(200, 'x'));  // Beast judges a frame when its whole header is there
      const WsOutcome ours = Ours(traffic.bytes());
      ASSERT_EQ(ours.close_code, rule.close_code) << rule.name << ", seed " << seed;
      ASSERT_EQ(ours, Beasts(traffic.bytes(), ReadBytes(traffic)))
          << rule.name << ", seed " << seed;
    }
  }
}

// Beast follows an older registry: it refuses 1014 (Bad Gateway), and accepts 5000 and above, which
// RFC 6455 7.4.2 leaves undefined.
TEST(WsBeastParityTest, SameCloseCodesExceptOneRegisteredLaterAndUndefinedOnes) {
  for (unsigned code = 0; code <= 0xFFFF; code += code < 5100 ? 1 : 97) {
    WsTraffic traffic(code);
    traffic.Frame(kFin | kClose, ClosePayload(code));
    const WsOutcome ours = Ours(traffic.bytes());
    const WsOutcome beasts = Beasts(traffic.bytes(), 1000);
    if (code == 1014 || code >= 5000) {
      EXPECT_EQ(ours.close_code, code == 1014 ? 1014 : 1002);
      EXPECT_EQ(beasts.close_code, code == 1014 ? 1002 : static_cast<int>(code));
    } else {
      EXPECT_EQ(ours, beasts) << code;
    }
  }
}

// Section 5.2 wants the shortest form from senders; the reference accepts any, so this decoder
// does. Beast: 1002.
TEST(WsBeastParityTest, OnlyBeastRefusesNonMinimalLengths) {
  for (const auto& [size, length_bytes] :
       {std::pair(0u, 3u), {125u, 3u}, {0u, 9u}, {126u, 9u}, {65535u, 9u}}) {
    WsTraffic minimal(size);
    WsTraffic longer(size);
    minimal.Frame(kFin | kBinary, std::string(size, 'm'));
    longer.Frame(kFin | kBinary, std::string(size, 'm'), length_bytes);
    EXPECT_EQ(Ours(longer.bytes()), Beasts(minimal.bytes(), 1000));
    EXPECT_EQ(Beasts(longer.bytes(), 1000).close_code, 1002);
  }
}

// 7.1.6 and 8.1: a reason is UTF-8, and what is not is 1007. Beast counts it as a protocol error.
TEST(WsBeastParityTest, BadCloseReasonIs1007HereAnd1002There) {
  WsTraffic traffic(1);
  traffic.Frame(kFin | kClose, ClosePayload(1000, "\xFF"));
  EXPECT_EQ(Ours(traffic.bytes()), (WsOutcome{{}, 1007}));
  EXPECT_EQ(Beasts(traffic.bytes(), 1000), (WsOutcome{{}, 1002}));
}

// 5.2: the bit must be 0, which makes it a protocol error. Beast counts it as a length above its
// limit.
TEST(WsBeastParityTest, TopBitOfALengthIs1002HereAnd1009There) {
  WsTraffic traffic(1);
  traffic.Header(kFin | kBinary, 1ull << 63 | 5);
  EXPECT_EQ(Ours(traffic.bytes()), (WsOutcome{{}, 1002}));
  EXPECT_EQ(Beasts(traffic.bytes(), 1000), (WsOutcome{{}, 1009}));
}

// 8.1: both fail at the first bad byte, so that a control frame behind it is not answered.
TEST(WsBeastParityTest, BadTextIsFoundBeforeItsMessageEnds) {
  WsTraffic traffic(1);
  traffic.Frame(kText, "\xFF");
  traffic.Frame(kFin | kPing, "p");
  EXPECT_EQ(Ours(traffic.bytes()), (WsOutcome{{}, 1007}));
  EXPECT_EQ(Beasts(traffic.bytes(), 1000), (WsOutcome{{}, 1007}));
}

// Beast 1.81 does not look for an unfinished character when the last fragment is empty, and
// delivers the message.
TEST(WsBeastParityTest, OnlyBeastMissesACharacterCutOffByAnEmptyLastFragment) {
  WsTraffic traffic(1);
  traffic.Frame(kText, "euro \xE2\x82");
  traffic.Frame(kFin, "");
  EXPECT_EQ(Ours(traffic.bytes()), (WsOutcome{{}, 1007}));
  EXPECT_EQ(Beasts(traffic.bytes(), 1000), (WsOutcome{{{Type::kText, "euro \xE2\x82"}}, 0}));
}

// Beast reads a whole header, and a whole control frame, before it judges it.
TEST(WsBeastParityTest, BeastReportsABrokenHeaderOnlyWhenItIsWhole) {
  WsTraffic traffic(1);
  traffic.Frame(kFin | kText | 0x40, "");
  const std::string first_byte = traffic.bytes().substr(0, 1);
  EXPECT_EQ(Ours(first_byte).close_code, 1002);
  EXPECT_EQ(Beasts(first_byte, 1000).close_code, 0);
  EXPECT_EQ(Beasts(traffic.bytes(), 1000).close_code, 1002);
}

}  // namespace
}  // namespace cairn::wire

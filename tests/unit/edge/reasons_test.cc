#include "edge/reasons.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/document.h"

namespace cairn::edge {
namespace {

std::vector<CloseReason> CloseReasons() {
  std::vector<CloseReason> reasons;
  for (size_t i = 0; i < kCloseReasonCount; ++i) reasons.push_back(static_cast<CloseReason>(i));
  return reasons;
}
std::vector<DropReason> DropReasons() {
  std::vector<DropReason> reasons;
  for (size_t i = 0; i < kDropReasonCount; ++i) reasons.push_back(static_cast<DropReason>(i));
  return reasons;
}

TEST(Reasons, EachHasANameOfItsOwnThatCanBeAMetricLabel) {
  std::set<std::string> names;
  for (const CloseReason reason : CloseReasons()) names.emplace(Name(reason));
  for (const DropReason reason : DropReasons()) names.emplace(Name(reason));
  EXPECT_EQ(names.size(), kCloseReasonCount + kDropReasonCount);
  for (const std::string& name : names) {
    EXPECT_FALSE(name.empty());
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), name.npos) << name;
    EXPECT_LE(name.size(), 123u) << "a Close frame cannot carry it";
  }
}

// PROTOCOL.md, close codes.
TEST(Reasons, HaveTheCloseCodesOfTheProtocol) {
  const std::map<CloseReason, int> codes = {
      {CloseReason::kClientClosed, 1000},  {CloseReason::kClientGone, 0},
      {CloseReason::kConnectionLost, 0},   {CloseReason::kHandshakeTimeout, 0},
      {CloseReason::kTlsFailed, 0},        {CloseReason::kBadProxyHeader, 0},
      {CloseReason::kUpgradeRefused, 0},   {CloseReason::kUnauthorized, 0},
      {CloseReason::kDraining, 1001},      {CloseReason::kProtocolError, 1002},
      {CloseReason::kBadUtf8, 1007},       {CloseReason::kTooManyTopics, 1008},
      {CloseReason::kTopicTooLong, 1008},  {CloseReason::kOperator, 1008},
      {CloseReason::kMessageTooBig, 1009}, {CloseReason::kPongTimeout, 1011},
      {CloseReason::kSlowReader, 1013},    {CloseReason::kEdgeFull, 1013},
      {CloseReason::kAddressFull, 1013},   {CloseReason::kQueuesFull, 1013},
      {CloseReason::kTooManyHandshakes, 0}};
  EXPECT_EQ(codes.size(), kCloseReasonCount) << "a reason is missing above";
  for (const auto& [reason, code] : codes) EXPECT_EQ(CloseCode(reason), code) << Name(reason);
}

TEST(Reasons, EachWebSocketFaultClosesWithItsCode) {
  using wire::WsFault;
  for (const WsFault fault :
       {WsFault::kUnmasked, WsFault::kReservedBits, WsFault::kReservedOpcode,
        WsFault::kControlFragmented, WsFault::kControlTooLong, WsFault::kStrayContinuation,
        WsFault::kInterleavedMessage, WsFault::kBadClosePayload, WsFault::kLengthOverflow}) {
    EXPECT_EQ(ReasonFor(fault), CloseReason::kProtocolError);
  }
  EXPECT_EQ(ReasonFor(WsFault::kBadUtf8), CloseReason::kBadUtf8);
  EXPECT_EQ(ReasonFor(WsFault::kMessageTooBig), CloseReason::kMessageTooBig);
}

TEST(Reasons, EachDecodeFaultIsADropOfItsOwn) {
  using wire::DecodeFault;
  EXPECT_EQ(ReasonFor(DecodeFault::kTruncated), DropReason::kTruncated);
  EXPECT_EQ(ReasonFor(DecodeFault::kMalformed), DropReason::kMalformed);
  EXPECT_EQ(ReasonFor(DecodeFault::kTooDeep), DropReason::kTooDeep);
  EXPECT_EQ(ReasonFor(DecodeFault::kNotAMessage), DropReason::kNotAMessage);
}

TEST(Reasons, EachJsonFaultIsADropOfItsOwn) {
  EXPECT_EQ(ReasonFor(wire::JsonFault::kMalformed), DropReason::kJsonMalformed);
  EXPECT_EQ(ReasonFor(wire::JsonFault::kNotAMessage), DropReason::kJsonNotAMessage);
}

// The table "| Reason | Code | When |": "`name`" -> "code".
std::map<std::string, std::string> DocumentedCodes() {
  std::map<std::string, std::string> codes;
  for (const std::string& row : TableRows("PROTOCOL.md", "| Reason | Code |")) {
    const size_t name_end = row.find("` | ");
    if (row.rfind("| `", 0) != 0 || name_end == row.npos) continue;
    const size_t cell = name_end + 4;
    codes[row.substr(3, name_end - 3)] = row.substr(cell, row.find(" |", cell) - cell);
  }
  return codes;
}

TEST(Reasons, TheDocumentedCodesAreTheOnesInTheCode) {
  std::map<std::string, std::string> codes;
  for (const CloseReason reason : CloseReasons()) {
    const uint16_t code = CloseCode(reason);
    codes[std::string(Name(reason))] = code == 0 ? "–" : std::to_string(code);
  }
  EXPECT_EQ(DocumentedCodes(), codes);
}

}  // namespace
}  // namespace cairn::edge

#include "core/lane_end.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/support/document.h"

namespace cairn::core {
namespace {

std::vector<LaneEnd> LaneEnds() {
  std::vector<LaneEnd> reasons;
  for (size_t i = 0; i < kLaneEndCount; ++i) reasons.push_back(static_cast<LaneEnd>(i));
  return reasons;
}

TEST(LaneEnd, EachHasANameOfItsOwnThatCanBeAMetricLabel) {
  std::set<std::string> names;
  for (const LaneEnd reason : LaneEnds()) names.emplace(Name(reason));
  EXPECT_EQ(names.size(), kLaneEndCount);
  for (const std::string& name : names) {
    EXPECT_EQ(name.rfind("lane_", 0), 0u) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), name.npos) << name;
  }
}

TEST(LaneEnd, EachEndsTheStreamWithAStatusOfItsOwnThatNamesIt) {
  std::set<absl::StatusCode> codes;
  for (const LaneEnd reason : LaneEnds()) {
    const absl::Status status = StatusOf(reason);
    EXPECT_EQ(std::string(status.message()), Name(reason));
    codes.insert(status.code());
  }
  EXPECT_EQ(codes.size(), kLaneEndCount);
  EXPECT_FALSE(codes.contains(absl::StatusCode::kOk));
}

// The reasons in the table "| Reason | When |".
std::set<std::string> DocumentedReasons() {
  std::set<std::string> reasons;
  for (const std::string& row : TableRows("RELAYS.md", "| Reason | When |"))
    reasons.insert(row.substr(3, row.find('`', 3) - 3));
  return reasons;
}

TEST(LaneEnd, TheDocumentedReasonsAreTheOnesInTheCode) {
  std::set<std::string> names;
  for (const LaneEnd reason : LaneEnds()) names.emplace(Name(reason));
  EXPECT_EQ(DocumentedReasons(), names);
}

// Of Lanes.Open in lane.proto: every status that a lane's end has is among those that it names.
TEST(LaneEnd, TheProtocolNamesEveryStatus) {
  std::set<std::string> named;
  for (const std::string& line : LinesOf(ReadDocument("../proto/signaling/v1/lane.proto"))) {
    constexpr char kIndent[] = "  //   ";
    if (line.rfind(kIndent, 0) != 0) continue;
    const size_t begin = sizeof(kIndent) - 1;
    named.insert(line.substr(begin, line.find(' ', begin) - begin));
  }
  for (const LaneEnd reason : LaneEnds()) {
    const std::string code(absl::StatusCodeToString(StatusOf(reason).code()));
    EXPECT_TRUE(named.contains(code)) << code;
  }
}

}  // namespace
}  // namespace cairn::core

#include "admin-cli/printing/thresholds.h"

#include <gtest/gtest.h>

namespace cairn::admin {
namespace {

TEST(RangeTest, AlertsAsThePluginGuidelinesSay) {
  const struct {
    const char* text;
    double fine;
    double alert;
  } cases[] = {
      {"10", 0, 11},    {"10", 10, -1},     {"10:", 10, 9},    {"~:10", -5, 11},
      {"10:20", 10, 9}, {"10:20", 20, 21},  {"@10:20", 9, 10}, {"@10:20", 21, 20},
      {":10", 3, 11},   {"1.5:", 1.5, 1.4},
  };
  for (const auto& one : cases) {
    const absl::StatusOr<Range> range = Range::Parse(one.text);
    ASSERT_TRUE(range.ok()) << one.text;
    EXPECT_FALSE(range->Alerts(one.fine)) << one.text << " " << one.fine;
    EXPECT_TRUE(range->Alerts(one.alert)) << one.text << " " << one.alert;
    EXPECT_EQ(range->text(), one.text);
  }
}

TEST(RangeTest, NoRangeNeverAlerts) {
  EXPECT_FALSE(Range().Alerts(1e9));
  EXPECT_EQ(Range().text(), "");
}

TEST(RangeTest, InvalidRangesAreRefused) {
  for (const char* text : {"", ":", "x", "10:x", "20:10", "@", "10:20:30", "nan", "1:inf"}) {
    EXPECT_FALSE(Range::Parse(text).ok()) << text;
  }
}

TEST(RangeTest, OneSidedRangesReadAsThemselves) {
  EXPECT_EQ(Range::AtMost(1 << 20).text(), "1048576");
  EXPECT_TRUE(Range::AtMost(10).Alerts(11));
  EXPECT_EQ(Range::AtLeast(3).text(), "3:");
  EXPECT_TRUE(Range::AtLeast(3).Alerts(2));
  EXPECT_FALSE(Range::AtLeast(3).Alerts(3));
}

}  // namespace
}  // namespace cairn::admin

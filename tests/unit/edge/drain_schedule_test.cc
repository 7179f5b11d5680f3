#include "edge/drain_schedule.h"

#include <gtest/gtest.h>

#include <vector>

namespace cairn::edge {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(20);
constexpr absl::Duration kDrainStart = absl::Seconds(100);

// How many of `open` connections are closed on each tick of the window.
std::vector<size_t> Closes(absl::Duration window, size_t open) {
  DrainSchedule schedule;
  schedule.Begin(kDrainStart, window, absl::Seconds(1));
  std::vector<size_t> closes;
  for (absl::Duration now = kDrainStart; open > 0; now += kTick) {
    closes.push_back(schedule.Due(now, kTick, open));
    open -= closes.back();
    EXPECT_LT(closes.size(), 1000u);
  }
  return closes;
}

TEST(DrainSchedule, SpreadsTheClosesEvenlyOverTheWindow) {
  const std::vector<size_t> closes = Closes(absl::Seconds(1), 1000);
  ASSERT_EQ(closes.size(), 50u);
  for (const size_t count : closes) EXPECT_NEAR(static_cast<double>(count), 20, 1);
}

TEST(DrainSchedule, FewConnectionsAreSpreadToo) {
  const std::vector<size_t> closes = Closes(absl::Seconds(1), 5);
  EXPECT_GT(closes.size(), 40u) << "the last one goes at the end of the window";
  for (const size_t count : closes) EXPECT_LE(count, 1u);
}

TEST(DrainSchedule, WithoutAWindowAllAreClosedAtOnce) {
  EXPECT_EQ(Closes(absl::ZeroDuration(), 1000), std::vector<size_t>{1000});
}

TEST(DrainSchedule, ConnectionsThatComeDuringTheDrainAreClosedInTheWindow) {
  DrainSchedule schedule;
  schedule.Begin(kDrainStart, absl::Seconds(1), absl::Seconds(1));
  size_t open = 10;
  for (absl::Duration now = kDrainStart; now < kDrainStart + absl::Seconds(1); now += kTick) {
    if (now == kDrainStart + absl::Milliseconds(500)) open += 100;
    open -= schedule.Due(now, kTick, open);
  }
  EXPECT_EQ(open, 0u);
}

TEST(DrainSchedule, EndsAfterTheGraceThatFollowsTheWindow) {
  DrainSchedule schedule;
  schedule.Begin(kDrainStart, absl::Seconds(2), absl::Seconds(1));
  EXPECT_FALSE(schedule.IsOver(kDrainStart + absl::Milliseconds(2999)));
  EXPECT_TRUE(schedule.IsOver(kDrainStart + absl::Seconds(3)));
}

}  // namespace
}  // namespace cairn::edge

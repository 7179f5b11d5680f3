#include "base/log_limiter.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace cairn {
namespace {

class LogLimiterTest : public testing::Test {
 protected:
  FakeClock clock_;
  LogLimiter limiter_{clock_, 2, absl::Seconds(10)};
};

TEST_F(LogLimiterTest, LogsABurstAndThenNothingForAnInterval) {
  EXPECT_EQ(limiter_.Admit(), 0u);
  EXPECT_EQ(limiter_.Admit(), 0u);
  EXPECT_EQ(limiter_.Admit(), std::nullopt);
  clock_.Advance(absl::Seconds(10) - absl::Nanoseconds(1));
  EXPECT_EQ(limiter_.Admit(), std::nullopt);
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_EQ(limiter_.Admit(), 2u) << "with how many were left out";
  EXPECT_EQ(limiter_.Admit(), 0u) << "which is said once";
  EXPECT_EQ(limiter_.Admit(), std::nullopt);
}

TEST_F(LogLimiterTest, SuppressedLinesAreCountedOverAnyTime) {
  for (int i = 0; i < 1'002; ++i) limiter_.Admit();
  clock_.Advance(absl::Hours(24));
  EXPECT_EQ(limiter_.Admit(), 1'000u);
}

TEST_F(LogLimiterTest, AnIntervalBeginsWithItsFirstLine) {
  clock_.Advance(absl::Seconds(999));
  EXPECT_EQ(limiter_.Admit(), 0u);
  clock_.Advance(absl::Seconds(9));
  EXPECT_EQ(limiter_.Admit(), 0u);
  EXPECT_EQ(limiter_.Admit(), std::nullopt);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(limiter_.Admit(), 1u);
}

}  // namespace
}  // namespace cairn

#include "edge/core_sight.h"

#include <gtest/gtest.h>

#include <string>

#include "base/log.h"
#include "tests/support/fake_clock.h"

namespace cairn::edge {
namespace {

class CoreSightTest : public testing::Test {
 protected:
  // Every loop says what it sees, for so long; whether the log was told.
  bool Warns(uint64_t first, uint64_t second, absl::Duration time, uint64_t fleet = 0) {
    testing::internal::CaptureStdout();
    for (; time > absl::ZeroDuration(); time -= absl::Seconds(1)) {
      sight_.Note(0, first, fleet);
      sight_.Note(1, second, fleet);
      clock_.Advance(absl::Seconds(1));
    }
    FlushLog(absl::Seconds(5));
    return testing::internal::GetCapturedStdout().find("cores_differ cores=2") != std::string::npos;
  }

  FakeClock clock_;
  CoreSight sight_{2, clock_};
};

TEST_F(CoreSightTest, OneCoreIsSeenByAllLoops) {
  EXPECT_EQ(sight_.cores(), 0u);
  EXPECT_FALSE(Warns(7, 7, absl::Seconds(20)));
  EXPECT_EQ(sight_.cores(), 1u);
}

TEST_F(CoreSightTest, ACoreThatIsReplacedIsNoSecondOne) {
  EXPECT_FALSE(Warns(7, 8, absl::Seconds(2)));
  EXPECT_FALSE(Warns(8, 8, absl::Seconds(20)));
  EXPECT_FALSE(Warns(8, 0, absl::Seconds(20))) << "a loop without a core";
}

TEST_F(CoreSightTest, CoresOfOneFleetCountAsOne) {
  EXPECT_FALSE(Warns(7, 8, absl::Seconds(20), 3));
  EXPECT_EQ(sight_.cores(), 1u);
  EXPECT_FALSE(Warns(0, 8, absl::Seconds(20), 3)) << "a loop without a core";
}

TEST_F(CoreSightTest, TwoCoresThatStayAreLoggedOnceAMinute) {
  EXPECT_TRUE(Warns(7, 8, absl::Seconds(10)));
  EXPECT_EQ(sight_.cores(), 2u);
  EXPECT_FALSE(Warns(7, 8, absl::Seconds(30)));
  EXPECT_TRUE(Warns(7, 8, absl::Seconds(40)));
}

}  // namespace
}  // namespace cairn::edge

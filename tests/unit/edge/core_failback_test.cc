#include "edge/core_failback.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/fake_clock.h"

namespace cairn::edge {
namespace {

class CoreFailbackTest : public testing::Test {
 protected:
  // Probes as lanes do, for so long, with always the same answer; how long it took until they were
  // to move, or so long.
  absl::Duration ProbeFor(absl::Duration time, const std::string& better) {
    const uint64_t before = failback_.moves();
    absl::Duration passed;
    for (; passed < time && failback_.moves() == before; passed += absl::Milliseconds(100)) {
      if (failback_.ClaimProbe()) failback_.Report(better);
      clock_.Advance(absl::Milliseconds(100));
    }
    return passed;
  }

  FakeClock clock_;
  CoreFailback failback_{clock_, 7};
};

TEST_F(CoreFailbackTest, OneLaneAtATimeProbes) {
  EXPECT_TRUE(failback_.ClaimProbe());
  EXPECT_FALSE(failback_.ClaimProbe());
  clock_.Advance(CoreFailback::kProbeInterval);
  EXPECT_TRUE(failback_.ClaimProbe());
}

TEST_F(CoreFailbackTest, LanesReturnWhenThePreferredCoreHasBeenWellForAMinute) {
  const absl::Duration took = ProbeFor(absl::Minutes(5), "a");
  EXPECT_GE(took, CoreFailback::kWell);
  EXPECT_LE(took, CoreFailback::kWell + CoreFailback::kJitter + CoreFailback::kProbeInterval);
  EXPECT_EQ(failback_.moves(), 1u);
}

TEST_F(CoreFailbackTest, EdgesDoNotReturnAtTheSameMoment) {
  const absl::Duration took = ProbeFor(absl::Minutes(5), "a");
  int apart = 0;
  for (uint64_t seed = 100; seed < 110; ++seed) {
    FakeClock clock;
    CoreFailback other(clock, seed << 20);
    absl::Duration its;
    for (; other.moves() == 0; its += absl::Milliseconds(100)) {
      if (other.ClaimProbe()) other.Report("a");
      clock.Advance(absl::Milliseconds(100));
    }
    if (its != took) ++apart;
  }
  EXPECT_GE(apart, 5);
}

TEST_F(CoreFailbackTest, OneFailedProbeBeginsTheMinuteAnew) {
  ProbeFor(absl::Seconds(55), "a");
  clock_.Advance(CoreFailback::kProbeInterval);
  ProbeFor(absl::Milliseconds(100), "");
  clock_.Advance(CoreFailback::kProbeInterval);
  EXPECT_GE(ProbeFor(absl::Minutes(5), "a"), CoreFailback::kWell);
}

TEST_F(CoreFailbackTest, AnotherPreferredCoreMustBeWellForAMinuteItself) {
  ProbeFor(absl::Seconds(55), "b");
  EXPECT_GE(ProbeFor(absl::Minutes(5), "a"), CoreFailback::kWell);
}

// All lanes were with the preferred core, so nobody asked; then it died again.
TEST_F(CoreFailbackTest, TimeWithoutProbesDoesNotCount) {
  ProbeFor(absl::Seconds(30), "a");
  clock_.Advance(absl::Minutes(10));
  EXPECT_GE(ProbeFor(absl::Minutes(5), "a"), CoreFailback::kWell);
}

TEST_F(CoreFailbackTest, AfterAMoveTheMinuteBeginsAnew) {
  ProbeFor(absl::Minutes(5), "a");
  EXPECT_GE(ProbeFor(absl::Minutes(5), "a"), CoreFailback::kWell);
  EXPECT_EQ(failback_.moves(), 2u);
}

}  // namespace
}  // namespace cairn::edge

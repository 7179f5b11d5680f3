#include "core/refusals.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace cairn::core {
namespace {

TEST(RefusalsTest, EveryRefusalIsCountedByItsReason) {
  RouterCounters counters;
  FakeClock clock;
  Refusals refusals(counters, clock);
  for (int i = 0; i < 10; ++i) refusals.Add(LaneRefusal::kForeignPeer, "edge", 0);
  refusals.Count(LaneRefusal::kCredential);
  EXPECT_EQ(counters.refusals[static_cast<size_t>(LaneRefusal::kForeignPeer)], 10u);
  EXPECT_EQ(counters.refusals[static_cast<size_t>(LaneRefusal::kCredential)], 1u);
}

}  // namespace
}  // namespace cairn::core

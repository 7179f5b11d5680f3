#include "server/ops.h"

#include <gtest/gtest.h>

namespace cairn::server {
namespace {

edge::EdgeSnapshot WithLanes(std::initializer_list<bool> connected) {
  edge::EdgeSnapshot snapshot;
  for (const bool up : connected) {
    snapshot.lanes.push_back({static_cast<uint32_t>(snapshot.lanes.size()), up, 0});
  }
  return snapshot;
}

TEST(NotReadyBecause, ACoreAloneIsReadyUntilItDrains) {
  EXPECT_EQ(NotReadyBecause(false, std::nullopt), "");
  EXPECT_EQ(NotReadyBecause(true, std::nullopt), "draining");
}

TEST(NotReadyBecause, AnEdgeNeedsItsCoreOnEveryLane) {
  EXPECT_EQ(NotReadyBecause(false, WithLanes({true, true})), "");
  EXPECT_EQ(NotReadyBecause(false, WithLanes({true, false, false})),
            "no core: 1 of 3 lanes are connected");
  EXPECT_EQ(NotReadyBecause(true, WithLanes({false})), "draining");
}

}  // namespace
}  // namespace cairn::server

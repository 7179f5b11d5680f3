#include "server/ops.h"

#include <gtest/gtest.h>

namespace cairn::server {
namespace {

ReadinessInput WithLanes(std::initializer_list<bool> connected) {
  ReadinessInput input;
  input.edge.emplace();
  for (const bool up : connected) {
    input.edge->lanes.push_back({static_cast<uint32_t>(input.edge->lanes.size()), up, 0});
  }
  return input;
}

ReadinessInput CoreAlone(std::optional<std::string> no_lanes_because) {
  ReadinessInput input;
  input.has_core = true;
  input.no_lanes_because = std::move(no_lanes_because);
  return input;
}

TEST(NotReadyBecause, ACoreAloneIsReadyUntilItDrains) {
  ReadinessInput input = CoreAlone("");
  EXPECT_EQ(NotReadyBecause(input), "");
  input.draining = true;
  EXPECT_EQ(NotReadyBecause(input), "draining");
}

TEST(NotReadyBecause, ACoreMustAnswerAndTakeLanes) {
  EXPECT_EQ(NotReadyBecause(CoreAlone(std::nullopt)), "the router of the core does not answer");
  EXPECT_EQ(NotReadyBecause(CoreAlone("joining the fleet")), "joining the fleet");
}

TEST(NotReadyBecause, AnEdgeNeedsItsCoreOnEveryLane) {
  EXPECT_EQ(NotReadyBecause(WithLanes({true, true})), "");
  EXPECT_EQ(NotReadyBecause(WithLanes({true, false, false})),
            "no core: 1 of 3 lanes are connected");
  ReadinessInput draining = WithLanes({false});
  draining.draining = true;
  EXPECT_EQ(NotReadyBecause(draining), "draining");
}

}  // namespace
}  // namespace cairn::server

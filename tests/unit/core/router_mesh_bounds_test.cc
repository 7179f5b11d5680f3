// A router of a fleet: what other cores may leave unsettled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/router_mesh_fixture.h"

namespace cairn::core {
namespace {

constexpr uint64_t kFirst = 100, kSecond = 200;

class BoundsOfAFleet : public RouterMesh {
 protected:
  // Two other cores, with two lanes each that have a subscriber of "t100", "t101", "t200", "t201".
  void Begin() {
    Restart(kCoreId);
    router_->JoinMesh(bus_, "core", "test", "fleet");
    PassStartHold();
    sender_ = Open(1);
    Say(sender_, Batch().Opened(10));
    for (const uint64_t core : {kFirst, kSecond}) {
      const CorePtr other = MeetCore(core);
      Tell(other, Found(1, 0));
      for (const uint64_t lane : {core, core + 1})
        Tell(other, Here(lane, 1), Subscribed(lane, 10 * lane, Topic(lane)), Ready(lane, 1));
    }
  }
  static std::string Topic(uint64_t lane) { return "t" + std::to_string(lane); }
  // Sends so many bytes in relays of 1,000 to that lane's subscriber. Nobody settles them.
  void Relay(uint64_t lane, size_t bytes) {
    for (size_t sent = 0; sent < bytes; sent += 1'000) {
      Batch batch;
      batch.Relayed(10, Topic(lane), ++sequence_);
      batch.last().set_payload(std::string(1'000, 'x'));
      Say(sender_, batch);
    }
    TickNow();
    Carry();
  }
  bool Has(uint64_t core) const { return router_->mesh()->members().contains(core); }
  uint64_t Full() const {
    return router_->mesh()->counters().members_ended[static_cast<size_t>(MeshEnd::kFull)];
  }

  LanePtr sender_;
  uint64_t sequence_ = 0;
};

// An edge that hangs owes up to the bound of a lane for each of its lanes.
TEST_F(BoundsOfAFleet, ACoreIsKeptWhileEachOfItsLanesMayBeWithinItsOwnBound) {
  limits_.max_lane_queued_bytes = 100'000;
  Begin();
  Relay(kFirst, 80'000);
  Relay(kFirst + 1, 80'000);
  EXPECT_EQ(Full(), 0u);
  Relay(kFirst, 80'000);
  EXPECT_EQ(Full(), 0u) << "it may be about to settle them";
  Elapse(absl::Seconds(2));
  EXPECT_EQ(Full(), 1u) << "one of its lanes is beyond its bound";
}

TEST_F(BoundsOfAFleet, OfWhatAllLeaveUnsettledTheCoreWithTheMostIsGivenUp) {
  limits_.max_open_bytes_of_cores = 100'000;
  Begin();
  Relay(kFirst, 40'000);
  Relay(kSecond, 20'000);
  EXPECT_TRUE(Has(kFirst) && Has(kSecond));
  Relay(kSecond, 40'000);
  EXPECT_TRUE(Has(kFirst));
  EXPECT_FALSE(Has(kSecond));
  EXPECT_EQ(Full(), 1u);
}

// What is kept for a lane that has left its core, and is not at another yet, is bounded like what a
// lane owes; the core that it has left settles nothing of it meanwhile, and is not to blame.
TEST_F(BoundsOfAFleet, ALaneThatIsOnItsWayForTooLongIsGivenUpAndNotTheCoreThatItHasLeft) {
  limits_.max_lane_queued_bytes = 100'000;
  Begin();
  Tell(cores_[kSecond], Here(kFirst, 2, false));
  Relay(kFirst, 120'000);
  Relay(kFirst + 1, 120'000);
  EXPECT_TRUE(router_->mesh()->HasLost(kFirst));
  EXPECT_FALSE(router_->mesh()->HasLost(kFirst + 1));
  EXPECT_EQ(Full(), 0u);
}

TEST_F(BoundsOfAFleet, WhatIsKeptForALaneThatHasLeftThisCoreIsBounded) {
  limits_.max_lane_queued_bytes = 100'000;
  Begin();
  const LanePtr leaving = Open(2);
  Say(leaving, Batch().Opened(20).Subscribed(20, "t2"));
  Tell(cores_[kSecond], Here(2, 2, false));
  ASSERT_TRUE(router_->mesh()->KnowsLane(2));
  Relay(2, 80'000);
  EXPECT_FALSE(router_->mesh()->HasLost(2));
  Relay(2, 80'000);
  EXPECT_TRUE(router_->mesh()->HasLost(2));
}

TEST_F(BoundsOfAFleet, ARouterThatHasLeftItsFleetDoesNotUseTheBus) {
  Begin();
  Relay(kFirst, 5'000);
  bus_.sent.clear();
  router_->LeaveMesh();
  Relay(kFirst, 5'000);
  Elapse(absl::Seconds(3));
  EXPECT_THAT(bus_.sent, testing::IsEmpty());
}

}  // namespace
}  // namespace cairn::core

// RouterReturn: a router that has just replaced an earlier core, and lanes that were connected to
// that core.
#ifndef CAIRN_TESTS_SUPPORT_RETURN_FIXTURE_H_
#define CAIRN_TESTS_SUPPORT_RETURN_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "proto/link/timing.h"
#include "tests/support/router_fixture.h"
#include "tests/support/steady_times.h"

namespace cairn::core {

class RouterReturn : public RouterTest {
 protected:
  RouterReturn() : RouterTest(Age::kJustStarted) {}

  // A lane that had `roster` before the core was restarted; its stream is open, and it has sent
  // nothing of its snapshot.
  LanePtr Return(uint64_t lane_id, const std::vector<uint64_t>& roster, bool complete = true) {
    const LanePtr lane = Remember(lane_id, roster, complete);
    EXPECT_EQ(Connect(lane), Welcome::OUTCOME_NEW);
    return lane;
  }
  // The same before it has opened a stream.
  LanePtr Remember(uint64_t lane_id, const std::vector<uint64_t>& roster, bool complete = true,
                   uint64_t core_id = kEarlierCore) {
    auto lane = std::make_shared<FakeLane>(lane_id, "edge");
    lane->core_id = kEarlierCore;
    lane->link_number = 9;
    for (const uint64_t id : roster) lane->roster.add_lanes(id);
    lane->roster.set_complete(complete);
    lane->roster.mutable_stamp()->set_core_id(core_id);
    lane->roster.mutable_stamp()->set_version(1);
    if (core_id != kEarlierCore) lane->roster.mutable_stamp()->add_earlier_cores(kEarlierCore);
    lanes_.push_back(lane);
    return lane;
  }
  // Passes the time for which every new core holds relays.
  void PassStartHold() {
    clock_.Advance(absl::FromChrono(link::kStartHold));
    TickNow();
  }

  // The last roster that the lane got since the last call.
  static signaling::v1::Roster LastRoster(const LanePtr& lane) {
    signaling::v1::Roster roster;
    for (const auto& message : lane->TakeMessages()) {
      if (message.has_roster()) roster = message.roster();
    }
    return roster;
  }
  // "lane:number" of the deliveries since the last call.
  static std::vector<std::string> Origins(const LanePtr& lane) {
    std::vector<std::string> origins;
    for (const auto& delivery : lane->TakeDeliveries())
      origins.push_back(std::to_string(delivery.origin_lane()) + ":" +
                        std::to_string(delivery.origin_seq()));
    return origins;
  }

  static constexpr uint64_t kEarlierCore = 55;
  const absl::Duration kLimit = absl::FromChrono(link::kReturnLimit);
  const absl::Duration kPatience = absl::FromChrono(link::kReturnPatience);
};

}  // namespace cairn::core

#endif  // CAIRN_TESTS_SUPPORT_RETURN_FIXTURE_H_

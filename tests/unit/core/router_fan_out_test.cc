// What lanes are told of how far their peers' relays went.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/fan_out.h"
#include "tests/support/router_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneEvent;
using signaling::v1::Notice;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class RouterFanOut : public RouterTest {
 protected:
  // Peer and count of such notices since the last call.
  static std::vector<std::pair<uint64_t, uint64_t>> FanOuts(const LanePtr& lane) {
    std::vector<std::pair<uint64_t, uint64_t>> told;
    for (const CoreToLane& message : lane->TakeMessages()) {
      for (const Notice& notice : message.notices()) {
        if (notice.kind() == Notice::KIND_FAN_OUT) told.emplace_back(notice.peer(), notice.count());
      }
    }
    return told;
  }
  void Subscribe(const LanePtr& lane, uint64_t first, uint64_t count) {
    Batch batch;
    for (uint64_t peer = first; peer < first + count; ++peer)
      batch.Opened(peer).Subscribed(peer, "t");
    Say(lane, batch);
  }
  void Relay(const LanePtr& lane, uint64_t from, uint64_t seq, const std::string& payload) {
    Batch batch;
    batch.Relayed(from, "t", seq);
    batch.last().set_payload(payload);
    Say(lane, batch);
  }
};

TEST_F(RouterFanOut, TheSendersLaneIsToldOfSubscribersOnAllLanes) {
  const LanePtr origin = Open(1), other = Open(2);
  Subscribe(origin, 100, 300);
  Subscribe(other, 1000, 250);
  Say(origin, Batch().Opened(10));
  FanOuts(origin);
  Relay(origin, 10, 1, "small");
  EXPECT_THAT(FanOuts(origin), IsEmpty()) << "it is not much yet";
  Relay(origin, 10, 2, "small");
  EXPECT_THAT(FanOuts(origin), ElementsAre(Pair(10, 1100)));
  Relay(origin, 10, 3, std::string(60'000, 'x'));
  EXPECT_THAT(FanOuts(origin), ElementsAre(Pair(10, 550 * 15)));
  EXPECT_THAT(FanOuts(other), IsEmpty());
}

TEST_F(RouterFanOut, ARelayToOneIsNotCounted) {
  const LanePtr origin = Open(1);
  Subscribe(origin, 100, 1);
  Say(origin, Batch().Opened(10));
  for (uint64_t seq = 1; seq <= 2 * kFanOutPerNotice; ++seq) Relay(origin, 10, seq, "p");
  EXPECT_THAT(FanOuts(origin), IsEmpty());
}

TEST_F(RouterFanOut, WhoJoinsAndLeavesIsCountedForThoseWhoAreTold) {
  const LanePtr origin = Open(1);
  Batch watchers;
  for (uint64_t peer = 100; peer < 600; ++peer) watchers.Opened(peer, true).Subscribed(peer, "t");
  Say(origin, watchers);
  Say(origin, Batch().Opened(10));
  FanOuts(origin);
  Say(origin, Batch().Subscribed(10, "t"));
  Say(origin, Batch().Unsubscribed(10, "t"));
  EXPECT_THAT(FanOuts(origin), ElementsAre(Pair(10, 1000)));
}

}  // namespace
}  // namespace cairn::core

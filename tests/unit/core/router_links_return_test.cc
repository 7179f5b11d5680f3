// Lanes that reconnect after they were given up, begin another link, or meet a restarted core.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "proto/link/cost.h"
#include "tests/support/router_links_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::Welcome;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- lanes that return

TEST_F(RouterLinks, ALaneThatReturnsAfterItWasGivenUpIsToldThat) {
  const LanePtr lane = Open(1);
  Say(lane, Batch().Opened(10));
  Say(lane, Batch().Relayed(10, "t", 1));
  const uint64_t number = lane->link_number;
  Close(lane);
  Say(lane, Batch().Relayed(10, "t", 2));
  EXPECT_EQ(Connect(lane), Welcome::OUTCOME_GIVEN_UP);
  EXPECT_NE(lane->link_number, number);
  ASSERT_THAT(lane->unaccepted, SizeIs(1)) << "the core has handled the others";
  EXPECT_EQ(lane->unaccepted[0].events(0).seq(), 2u);
}

TEST_F(RouterLinks, AForgottenLaneIsToldThatItWasGivenUpToo) {
  limits_.max_tombstones = 1;
  Restart(kCoreId);
  FinishStart();
  const LanePtr lane = Open(1), other = Open(2);
  Say(lane, Batch().Opened(10));
  Close(lane);
  Close(other);  // takes the place of the first
  EXPECT_EQ(Connect(lane), Welcome::OUTCOME_GIVEN_UP);
  EXPECT_EQ(Connect(other), Welcome::OUTCOME_GIVEN_UP);
}

TEST_F(RouterLinks, ALaneThatMissedThatItWasGivenUpIsToldAgain) {
  const LanePtr lane = Open(1);
  Say(lane, Batch().Opened(10).Relayed(10, "t", 5));
  Close(lane);
  // Its Welcome is lost with the stream.
  const auto lost = std::make_shared<FakeLaneStream>();
  Enter(LaneOpened{lost, lane->Hello()});
  ASSERT_EQ(lost->written.at(0).welcome().outcome(), Welcome::OUTCOME_GIVEN_UP);
  EXPECT_EQ(Connect(lane), Welcome::OUTCOME_GIVEN_UP);
  EXPECT_EQ(Ended(LaneEnd::kReplaced), 0u) << "it has never heard of that link";
  EXPECT_EQ(lane_count(), 1u);
}

TEST_F(RouterLinks, ALaneWhoseFirstWelcomeWasLostBeginsAgain) {
  auto lane = std::make_shared<FakeLane>(1, "edge");
  Enter(LaneOpened{std::make_shared<FakeLaneStream>(), lane->Hello()});
  EXPECT_EQ(Connect(lane), Welcome::OUTCOME_NEW);
  EXPECT_EQ(lane_count(), 1u);
  EXPECT_EQ(Ended(LaneEnd::kReplaced), 0u);
}

TEST_F(RouterLinks, ALaneThatHasBegunAnotherLinkIsReplaced) {
  const LanePtr lane = Open(1), watcher = Open(2);
  Say(lane, Batch().Opened(10, true).Subscribed(10, "t").Opened(11, true).Subscribed(11, "t"));
  lane->TakeMessages();
  const auto old_stream = lane->stream;
  lane->core_id = 55;  // it was at another core meanwhile
  lane->link->Detach();
  EXPECT_EQ(Connect(lane), Welcome::OUTCOME_NEW);
  EXPECT_THAT(Closes(old_stream), ElementsAre(absl::StatusCode::kAborted));
  EXPECT_EQ(Ended(LaneEnd::kReplaced), 1u);
  EXPECT_TRUE(router_->directory().peer_ids().empty());
  // Each of its peers was told that the other left, but nobody was there any more to hear it.
  EXPECT_THAT(old_stream->written, IsEmpty());
  EXPECT_THAT(Notices(lane), IsEmpty());
  EXPECT_EQ(lane_count(), 2u);
}

TEST_F(RouterLinks, ALaneThatReturnsToARestartedCoreAfterTheHoldIsLateIfAnythingWasRouted) {
  const LanePtr first = Open(1), later = Open(2);
  Restart(88);
  FinishStart();
  EXPECT_EQ(Connect(first), Welcome::OUTCOME_NEW) << "it has missed nothing";
  EXPECT_TRUE(router_->hold().holding()) << "as if the core had started now";
  Say(first, Batch().SnapshotEnd().Relayed(10, "t", 1));
  Elapse(absl::FromChrono(link::kReturnPatience));
  EXPECT_EQ(router_->counters().relays, 1u);
  EXPECT_EQ(Connect(later), Welcome::OUTCOME_LATE);
  EXPECT_EQ(router_->counters().lanes_late, 1u);
  EXPECT_EQ(later->core_id, 88u);
  const LanePtr fresh = OpenInSnapshot(4);
  EXPECT_EQ(fresh->welcome.outcome(), Welcome::OUTCOME_NEW) << "it never knew another";
}

TEST_F(RouterLinks, ALaneIsReplacedOnlyWithItsSecret) {
  const LanePtr lane = Open(1);
  Say(lane, Batch().Opened(10).Subscribed(10, "t"));
  for (const std::string& secret :
       {std::string("secret of 2"), std::string(), lane->secret + "x"}) {
    FakeLane thief(1, "edge");
    thief.secret = secret;
    thief.core_id = lane->core_id;
    thief.link_number = lane->link_number;
    const auto stream = std::make_shared<FakeLaneStream>();
    Enter(LaneOpened{stream, thief.Hello()});
    EXPECT_THAT(Closes(stream), ElementsAre(absl::StatusCode::kPermissionDenied)) << secret;
    EXPECT_THAT(stream->written, IsEmpty());
    Enter(LaneBatch{stream, Batch().Closed(10).message()});
    Enter(LaneClosed{stream});
  }
  EXPECT_EQ(router_->counters().lanes_refused, 3u);
  EXPECT_NE(router_->directory().Peer(10), nullptr);
  EXPECT_THAT(Closes(lane->stream), IsEmpty());
  // Nor after it was given up, when its tombstone says how far it was heard.
  Close(lane);
  FakeLane thief(1, "edge");
  thief.secret = "another";
  const auto stream = std::make_shared<FakeLaneStream>();
  Enter(LaneOpened{stream, thief.Hello()});
  EXPECT_THAT(Closes(stream), ElementsAre(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(lane_count(), 0u);
  EXPECT_EQ(Connect(lane), Welcome::OUTCOME_GIVEN_UP);
}

TEST_F(RouterLinks, ALaneOfTheRoutersProcessIsNeverReplaced) {
  const auto sink = std::make_shared<FakeEdgeSink>();
  FakeLane identity(1, "edge");
  identity.secret = "";
  Enter(DirectOpened{sink, identity.Hello()});
  const auto stream = std::make_shared<FakeLaneStream>();
  Enter(LaneOpened{stream, identity.Hello()});
  EXPECT_THAT(Closes(stream), ElementsAre(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(lane_count(), 1u);
}

}  // namespace
}  // namespace cairn::core

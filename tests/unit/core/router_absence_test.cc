// A link that breaks while both ends live: nothing is lost, doubled, or said to anybody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/router_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::LaneEvent;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class RouterAbsence : public RouterTest {
 protected:
  // The lane's next stream, with the snapshot given.
  Sink Reopen(uint64_t lane_id, Batch snapshot = {}) {
    Sink sink = OpenInSnapshot(lane_id);
    snapshot.Add(LaneEvent::KIND_SNAPSHOT_END, 0);
    Say(sink, snapshot);
    return sink;
  }
  // "origin number:number on the stream"
  static std::vector<std::string> Numbered(const Sink& sink) {
    std::vector<std::string> words;
    for (const auto& delivery : sink->TakeDeliveries()) {
      words.push_back(std::to_string(delivery.origin_seq()) + ":" + std::to_string(delivery.seq()));
    }
    return words;
  }
};

TEST_F(RouterAbsence, WhatWasUnderWayAndWhatCameMeanwhileIsSentOnTheNextStream) {
  const Sink origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  Say(origin, Batch().Relayed(10, "t", 2));
  EXPECT_THAT(Numbered(target), ElementsAre("1:1", "2:2"));
  Say(target, Batch().Delivered(1));
  EXPECT_EQ(Acked(origin), 1u);
  Break(target);
  Say(origin, Batch().Relayed(10, "t", 3));
  EXPECT_EQ(Acked(origin), 0u) << "nothing new";
  const Sink back = Reopen(2, Batch().Opened(20).Subscribed(20, "t"));
  EXPECT_THAT(Numbered(back), ElementsAre("2:1", "3:2"));
  Say(origin, Batch().Relayed(10, "t", 4));
  EXPECT_THAT(Numbered(back), ElementsAre("4:3"));
  Say(back, Batch().Delivered(2));
  EXPECT_EQ(Acked(origin), 3u);
}

TEST_F(RouterAbsence, EndsWithItsGracePeriod) {
  const Sink origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  Break(target);
  clock_.Advance(absl::Microseconds(LaneAbsence::kGraceUs - 1));
  Say(origin, Batch().Relayed(10, "t", 2));
  EXPECT_EQ(Acked(origin), 0u);
  EXPECT_EQ(router_.absent_lanes(), 1u);
  clock_.Advance(absl::Microseconds(1));
  RouterInput tick = Tick{};
  router_.Handle(tick);
  EXPECT_EQ(Acked(origin), 2u);
  EXPECT_EQ(router_.absent_lanes(), 0u);
  ExpectNothingLeft();
}

TEST_F(RouterAbsence, OfALaneWithoutPeersThatOwesNothingEndsAtOnce) {
  const Sink other = Open(1), idle = Open(2);
  Break(idle);
  EXPECT_EQ(router_.absent_lanes(), 0u);
  EXPECT_THAT(router_.directory().lanes(), SizeIs(1));
}

TEST_F(RouterAbsence, KeepsNoMoreThanItsBound) {
  const Sink origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Break(target);
  uint64_t seq = 0;
  for (size_t kept = 0; kept <= LaneAbsence::kMaxBytes; kept += 1 << 20) {
    ASSERT_EQ(router_.absent_lanes(), 1u);
    Batch batch;
    batch.Relayed(10, "t", ++seq);
    batch.last().set_payload(std::string(1 << 20, 'x'));
    Say(origin, batch);
  }
  RouterInput tick = Tick{};
  router_.Handle(tick);
  EXPECT_EQ(router_.absent_lanes(), 0u);
  EXPECT_EQ(Acked(origin), seq);
}

TEST_F(RouterAbsence, IsNothingThatWatchersAreToldOf) {
  const Sink watcher = Open(1), target = Open(2);
  Say(watcher, Batch().Opened(10, true).Subscribed(10, "t"));
  Say(target, Batch().Opened(20).Subscribed(20, "t").Opened(21).Subscribed(21, "t"));
  Notices(watcher);
  Break(target);
  Reopen(2, Batch().Opened(20).Subscribed(20, "t").Opened(21).Subscribed(21, "t"));
  EXPECT_THAT(Notices(watcher), IsEmpty());
}

TEST_F(RouterAbsence, WhatChangedMeanwhileIsToldAfterIt) {
  const Sink watcher = Open(1), target = Open(2);
  Say(watcher, Batch().Opened(10, true).Subscribed(10, "t").Subscribed(10, "u"));
  Say(target,
      Batch().Opened(20).Subscribed(20, "t").Subscribed(20, "u").Opened(21).Subscribed(21, "t"));
  Notices(watcher);
  Break(target);
  Reopen(2, Batch().Opened(20).Subscribed(20, "t").Opened(22).Subscribed(22, "t"));
  EXPECT_THAT(Notices(watcher),
              UnorderedElementsAre("JOINED 22 t 0", "LEFT 20 u 0", "LEFT 21 t 0"));
  EXPECT_EQ(router_.directory().Peer(21), nullptr);
  EXPECT_EQ(router_.directory().Closed(21)->close_reason, "edge_lost");
  EXPECT_THAT(router_.directory().Peer(20)->topics, SizeIs(1));
}

TEST_F(RouterAbsence, WhatTheLanesPeersAreToldWaitsForThem) {
  const Sink other = Open(1), target = Open(2);
  Say(target, Batch().Opened(20, true).Subscribed(20, "t"));
  Break(target);
  Say(other, Batch().Opened(10).Subscribed(10, "t"));
  const Sink back = Reopen(2, Batch().Opened(20, true).Subscribed(20, "t"));
  EXPECT_THAT(Notices(back), ElementsAre("JOINED 10 t 0"));
}

TEST_F(RouterAbsence, AStreamThatIsReplacedBeforeItsEndIsNoticedIsClosedAndNothingIsLost) {
  const Sink origin = Open(1), old_stream = Open(2);
  Say(old_stream, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  const Sink back = Reopen(2, Batch().Opened(20).Subscribed(20, "t"));
  ASSERT_THAT(old_stream->closes, SizeIs(1));
  EXPECT_EQ(old_stream->closes[0].code(), absl::StatusCode::kAborted);
  EXPECT_THAT(Numbered(back), ElementsAre("1:1"));
  // Its end, noticed at last, and what it had still to say, count no more.
  Say(old_stream, Batch().Closed(20));
  Break(old_stream);
  EXPECT_EQ(router_.absent_lanes(), 0u);
  EXPECT_NE(router_.directory().Peer(20), nullptr);
}

TEST_F(RouterAbsence, OfTheSenderDoesNotSettleWhatItSaysAgain) {
  const Sink origin = Open(1), target = Open(2);
  Say(origin, Batch().Opened(10));
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  Break(origin);
  Say(target, Batch().Delivered(1));
  const Sink back = Reopen(1, Batch().Opened(10));
  Say(back, Batch().Relayed(10, "t", 1));
  EXPECT_EQ(Acked(back), 0u) << "the answer was for the earlier stream's";
  Say(target, Batch().Delivered(2));
  EXPECT_EQ(Acked(back), 1u);
}

TEST_F(RouterAbsence, QueriesThatWaitAreSaidAgainAndAnsweredOnce) {
  const Sink other = Open(1), target = Open(2);
  Batch asked = Batch().Opened(20);
  asked.Add(LaneEvent::KIND_QUERIED, 20).set_topic("t");
  Say(target, asked);
  Break(target);
  const Sink back = Reopen(2, asked);
  back->messages.clear();
  Batch published;
  LaneEvent& event = published.Opened(10).Add(LaneEvent::KIND_PUBLISHED, 10);
  event.set_topic("t");
  event.set_seq(1);
  event.mutable_record()->set_connection(10);
  event.mutable_record()->set_blob("blob");
  event.mutable_record()->set_ttl_us(1'000'000);
  Say(other, published);
  int answers = 0;
  for (const auto& message : back->TakeMessages()) answers += message.answers_size();
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(router_.held_queries(), 0u);
}

}  // namespace
}  // namespace cairn::core

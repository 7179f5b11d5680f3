// When a relay is settled: once every lane that it was routed to has acknowledged it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/fake_edge_sink.h"
#include "tests/support/router_fixture.h"

namespace cairn::core {
namespace {

using signaling::v1::Welcome;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

using RouterSettles = RouterTest;

TEST_F(RouterSettles, ARelayThatNobodyHearsAtOnce) {
  const LanePtr origin = Open(1);
  Say(origin, Batch().Relayed(10, "t", 1).Relayed(10, "t", 2));
  EXPECT_THAT(Settled(origin), ElementsAre(1, 2));
}

TEST_F(RouterSettles, ARelayWhenEveryLaneItWentToHasPassedItOn) {
  const LanePtr origin = Open(1), two = Open(2), three = Open(3);
  Say(two, Batch().Opened(20).Subscribed(20, "t"));
  Say(three, Batch().Opened(30).Subscribed(30, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  EXPECT_THAT(Settled(origin), IsEmpty());
  Answer(two);
  EXPECT_THAT(Settled(origin), IsEmpty());
  Answer(three);
  EXPECT_THAT(Settled(origin), ElementsAre(1));
}

TEST_F(RouterSettles, EachRelayOnItsOwnHoweverSlowALaneIs) {
  const LanePtr origin = Open(1), two = Open(2), three = Open(3);
  Say(two, Batch().Opened(20).Subscribed(20, "slow"));
  Say(three, Batch().Opened(30).Subscribed(30, "fast"));
  Say(origin, Batch().Relayed(10, "slow", 1).Relayed(10, "fast", 2).Relayed(10, "nobody's", 3));
  Answer(three);
  EXPECT_THAT(Settled(origin), UnorderedElementsAre(2, 3)) << "the first is still on its way";
  Answer(two);
  EXPECT_THAT(Settled(origin), ElementsAre(1));
}

TEST_F(RouterSettles, AndTellsWithOtherMessagesOrForManyRelaysOrAtTheNextTick) {
  const LanePtr origin = Open(1);
  TickNow();
  Answer(origin);
  origin->TakeMessages();
  Say(origin, Batch().Opened(10).Subscribed(10, "mine").Relayed(10, "nobody's", 1));
  EXPECT_THAT(origin->TakeMessages(), IsEmpty());
  Say(origin, Batch().Opened(11).Relayed(11, "mine", 2));
  const auto messages = origin->TakeMessages();
  ASSERT_THAT(messages, SizeIs(1)) << "the delivery takes it along";
  EXPECT_THAT(SettledIn(messages), ElementsAre(1));
  Answer(origin);
  EXPECT_THAT(origin->TakeMessages(), IsEmpty());
  EXPECT_THAT(Settled(origin), ElementsAre(2));
  for (uint64_t seq = 3; seq < 2 + Relays::kRelaysPerAck; ++seq) {
    Say(origin, Batch().Relayed(10, "nobody's", seq));
  }
  EXPECT_THAT(origin->TakeMessages(), IsEmpty());
  Say(origin, Batch().Relayed(10, "nobody's", 2 + Relays::kRelaysPerAck));
  EXPECT_THAT(SettledIn(origin->TakeMessages()), SizeIs(Relays::kRelaysPerAck));
}

TEST_F(RouterSettles, AllRelaysOfTheMessagesThatAnAnswerIsFor) {
  const LanePtr one = Open(1), two = Open(2), target = Open(3);
  Say(target, Batch().Opened(30).Subscribed(30, "t"));
  Say(one, Batch().Relayed(10, "t", 1).Relayed(10, "t", 2));
  Say(two, Batch().Relayed(20, "t", 1));
  Answer(target);
  Say(one, Batch().Relayed(10, "t", 3));
  EXPECT_THAT(Settled(one), ElementsAre(1, 2));
  EXPECT_THAT(Settled(two), ElementsAre(1));
  Answer(target);
  EXPECT_THAT(Settled(one), ElementsAre(3));
}

TEST_F(RouterSettles, AcrossBreaksOfOriginAndTarget) {
  const LanePtr origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  target->Receive();
  Break(origin);
  Break(target);
  Connect(target);  // its Hello says that it has the relay
  Connect(origin);
  EXPECT_THAT(Settled(origin), ElementsAre(1));
}

TEST_F(RouterSettles, NothingForALinkThatTheOriginHasReplaced) {
  const LanePtr origin = Open(1), target = Open(2);
  Say(target, Batch().Opened(20).Subscribed(20, "t"));
  Say(origin, Batch().Relayed(10, "t", 1));
  origin->core_id = 66;  // it was at another core meanwhile
  origin->link->Detach();
  EXPECT_EQ(Connect(origin), Welcome::OUTCOME_LATE);
  Answer(target);
  EXPECT_THAT(Settled(origin), IsEmpty());
}

TEST_F(RouterSettles, LanesOfThisProcessNeitherOweNorAreOwedAnswers) {
  const auto direct = std::make_shared<FakeEdgeSink>();
  Enter(DirectOpened{direct, FakeLane(1, "edge").Hello()});
  const LanePtr remote = Open(2);
  Enter(LaneBatch{direct, Batch().Opened(10).Subscribed(10, "t").message()});
  Say(remote, Batch().Relayed(20, "t", 1));
  EXPECT_THAT(Settled(remote), ElementsAre(1));
  ASSERT_THAT(direct->messages, SizeIs(1));
  EXPECT_EQ(direct->messages[0].deliveries(0).origin_seq(), 1u);
  Say(remote, Batch().Opened(20).Subscribed(20, "u"));
  direct->messages.clear();
  Enter(LaneBatch{direct, Batch().Relayed(10, "u", 1).message()});
  EXPECT_THAT(Delivered(remote), ElementsAre(1));
  Answer(remote);
  TickNow();
  EXPECT_THAT(direct->messages, IsEmpty());
  EXPECT_EQ(direct->handled, 2) << "each batch is given back";
}

}  // namespace
}  // namespace cairn::core

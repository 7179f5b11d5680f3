// LaneLink: streams that break, and cores that are replaced.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/lane_link_fixture.h"

namespace cairn::edge {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;
using signaling::v1::Welcome;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(LaneLinkTest, AfterABreakTheLinkContinuesAndNothingIsLostOrDuplicated) {
  Begin();
  stream().Say(Numbered(1));
  for (uint64_t seq = 1; seq <= 3; ++seq) Submit(seq);
  EXPECT_THAT(Written(), ElementsAre(1, 2, 3));
  const auto old_stream = streams_->back();
  End();
  EXPECT_FALSE(link_.connected());
  EXPECT_TRUE(old_stream->destroyed);
  Submit(4);
  link_.Tick();
  executor_.Run();
  ASSERT_THAT(*streams_, SizeIs(2));
  const signaling::v1::Hello hello = TakeHello();
  EXPECT_EQ(hello.core_id(), kCore);
  EXPECT_EQ(hello.link(), kLinkNumber);
  EXPECT_EQ(hello.received(), 1u);
  stream().Say(WelcomeOf(Welcome::OUTCOME_RESUMED, kCore, kLinkNumber, 2));
  EXPECT_THAT(listener_.sessions, IsEmpty()) << "the session goes on";
  EXPECT_THAT(listener_.accepted, ElementsAre(1, 2));
  EXPECT_THAT(Written(), ElementsAre(3, 4));
  EXPECT_TRUE(link_.connected());
  stream().Say(Numbered(1));  // resent needlessly
  stream().Say(Numbered(2));
  EXPECT_THAT(listener_.messages, SizeIs(2));
}

TEST_F(LaneLinkTest, ACoreThatContinuesAnotherLinkIsRefused) {
  Begin();
  Submit(1);
  for (const CoreToLane& message : {WelcomeOf(Welcome::OUTCOME_RESUMED, kCore, kLinkNumber + 1),
                                    WelcomeOf(Welcome::OUTCOME_RESUMED, kCore + 1, kLinkNumber),
                                    WelcomeOf(Welcome::OUTCOME_RESUMED, kCore, kLinkNumber, 2)}) {
    Reopen();
    TakeHello();
    stream().Say(message);
    EXPECT_TRUE(stream().cancelled);
    EXPECT_FALSE(link_.connected());
  }
  Reopen();
  TakeHello();
  stream().Say(WelcomeOf(Welcome::OUTCOME_RESUMED, kCore, kLinkNumber, 0));
  EXPECT_THAT(Written(), ElementsAre(1)) << "nothing was lost by it";
}

TEST_F(LaneLinkTest, ACoreThatSkipsANumberOrAcknowledgesTooMuchIsRefused) {
  Begin();
  stream().Say(Numbered(2));
  EXPECT_TRUE(stream().cancelled);
  stream().Say(Numbered(1));
  EXPECT_THAT(listener_.messages, IsEmpty());
  Reopen();
  TakeHello();
  stream().Say(WelcomeOf(Welcome::OUTCOME_GIVEN_UP, kCore, kLinkNumber + 1));
  EXPECT_FALSE(stream().cancelled);
  Acknowledge(1);
  EXPECT_TRUE(stream().cancelled);
}

TEST_F(LaneLinkTest, ALinkThatWasBrokenDoesNotGoOn) {
  Begin();
  Submit(1);
  CoreToLane part;
  part.set_number(1);
  part.set_part("parts that make no message");
  stream().Say(part);
  EXPECT_TRUE(stream().cancelled);
  Reopen();
  const signaling::v1::Hello hello = TakeHello();
  EXPECT_EQ(hello.core_id(), kCore);
  EXPECT_EQ(hello.link(), 0u) << "what came in the parts was counted as received, and is lost";
  stream().Say(WelcomeOf(Welcome::OUTCOME_GIVEN_UP, kCore, kLinkNumber + 1));
  ASSERT_THAT(listener_.sessions, SizeIs(1));
  EXPECT_EQ(listener_.sessions[0].kind, CoreSession::Kind::kGivenUp);
  EXPECT_THAT(listener_.sessions[0].unaccepted, SizeIs(1));
}

TEST_F(LaneLinkTest, HelloTellsOfTheEarlierCoresThatTheLastCoreKnew) {
  EXPECT_THAT(TakeHello().earlier_cores(), IsEmpty());
  CoreToLane welcome = WelcomeOf(Welcome::OUTCOME_NEW);
  welcome.mutable_welcome()->add_earlier_cores(7);
  stream().Say(welcome);
  Reopen();
  EXPECT_THAT(TakeHello().earlier_cores(), ElementsAre(7));
  welcome = WelcomeOf(Welcome::OUTCOME_NEW, kCore + 1);
  welcome.mutable_welcome()->add_earlier_cores(7);
  welcome.mutable_welcome()->add_earlier_cores(kCore);
  stream().Say(welcome);
  Reopen();
  EXPECT_THAT(TakeHello().earlier_cores(), ElementsAre(7, kCore));
}

TEST_F(LaneLinkTest, AnotherCoreBeginsASessionWithTheUnacceptedBatches) {
  Begin();
  for (uint64_t seq = 1; seq <= 2; ++seq) Submit(seq);
  Acknowledge(1);
  End();
  Submit(3);
  clock_.Advance(absl::Seconds(7));
  executor_.Run();
  TakeHello();
  stream().Say(WelcomeOf(Welcome::OUTCOME_NEW, kCore + 1, 9));
  ASSERT_THAT(listener_.sessions, SizeIs(1));
  const CoreSession& session = listener_.sessions[0];
  EXPECT_EQ(session.kind, CoreSession::Kind::kNewCore);
  EXPECT_EQ(session.outage, absl::Seconds(7));
  std::vector<uint64_t> numbers;
  for (const LaneToCore& message : session.unaccepted) {
    for (const uint64_t number : link::Numbers(message)) numbers.push_back(number);
  }
  EXPECT_THAT(numbers, ElementsAre(2, 3));
  EXPECT_EQ(link_.cost(), 0u);
  EXPECT_THAT(Written(), IsEmpty()) << "what is told again is the lane's business";
  Submit(4);
  EXPECT_EQ(stream().TakeWritten().at(0).number(), 1u) << "of a new link";
  Reopen();
  EXPECT_EQ(TakeHello().link(), 9u);
}

TEST_F(LaneLinkTest, TheLaneIsToldThatItsCoreHasGivenItUp) {
  Begin();
  for (uint64_t seq = 1; seq <= 3; ++seq) Submit(seq);
  Reopen();
  TakeHello();
  stream().Say(WelcomeOf(Welcome::OUTCOME_GIVEN_UP, kCore, 9));
  EXPECT_THAT(listener_.accepted, IsEmpty());
  ASSERT_THAT(listener_.sessions, SizeIs(1));
  EXPECT_EQ(listener_.sessions[0].kind, CoreSession::Kind::kGivenUp);
  EXPECT_THAT(listener_.sessions[0].unaccepted, SizeIs(3));
}

TEST_F(LaneLinkTest, ALateLaneIsToldThatItIsLate) {
  Begin();
  Reopen();
  TakeHello();
  stream().Say(WelcomeOf(Welcome::OUTCOME_LATE, kCore + 1, 9));
  ASSERT_THAT(listener_.sessions, SizeIs(1));
  EXPECT_EQ(listener_.sessions[0].kind, CoreSession::Kind::kLate);
}

TEST_F(LaneLinkTest, AnOutageBeginsWithTheEndOfTheLastWelcomedStreamAndLastsOverFailedOnes) {
  Begin();
  End();
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(absl::Seconds(2));
    executor_.Run();
    End();
  }
  executor_.Run();
  TakeHello();
  stream().Say(WelcomeOf(Welcome::OUTCOME_NEW, kCore + 1, 9));
  EXPECT_EQ(listener_.sessions.at(0).outage, absl::Seconds(6));
}

TEST_F(LaneLinkTest, HelloNamesTheLanesThatTheLaneKnows) {
  Begin();
  listener_.known.add_lanes(42);
  listener_.known.add_lanes(43);
  listener_.known.set_complete(true);
  Reopen();
  const signaling::v1::Hello hello = TakeHello();
  EXPECT_THAT(hello.roster().lanes(), ElementsAre(42, 43));
  EXPECT_TRUE(hello.roster().complete());
}

}  // namespace
}  // namespace cairn::edge

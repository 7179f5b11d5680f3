#include "edge/lane_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/log.h"
#include "proto/link/timing.h"
#include "tests/support/lane_link_fixture.h"

namespace cairn::edge {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;
using signaling::v1::Welcome;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- opening

TEST_F(LaneLinkTest, SendsOnlyHelloBeforeTheWelcome) {
  const signaling::v1::Hello hello = TakeHello();
  EXPECT_EQ(hello.protocol_version(), 2u);
  EXPECT_EQ(hello.lane_id(), 42u);
  EXPECT_EQ(hello.secret(), "secret");
  EXPECT_EQ(hello.core_id(), 0u) << "it never had a link";
  EXPECT_EQ(hello.link(), 0u);
  EXPECT_FALSE(link_.connected());
  EXPECT_EQ(link_.Room(), 0u);
  EXPECT_EQ(link_.cost(), 0u);
  link_.Tick();
  stream().listener->OnStreamWritable();
  EXPECT_THAT(stream().written, IsEmpty());
}

TEST_F(LaneLinkTest, AWelcomeBeginsASessionInWhichThereIsRoom) {
  TakeHello();
  stream().Say(WelcomeOf(Welcome::OUTCOME_NEW));
  ASSERT_THAT(listener_.sessions, SizeIs(1));
  EXPECT_EQ(listener_.sessions[0].kind, CoreSession::Kind::kFirst);
  EXPECT_THAT(listener_.sessions[0].unaccepted, IsEmpty());
  EXPECT_TRUE(link_.connected());
  EXPECT_EQ(link_.Room(), options_.window);
  EXPECT_GT(listener_.rooms, 0);
  Submit(1);
  EXPECT_THAT(Written(), ElementsAre(1));
}

TEST_F(LaneLinkTest, WhatWasSubmittedIsFlushedAtTheEndOfATurnAndOfATick) {
  link_.Flush();
  Begin();
  stream().flushes = 0;
  Submit(1);
  EXPECT_THAT(Written(), ElementsAre(1));
  EXPECT_EQ(stream().flushes, 0u);
  link_.Flush();
  EXPECT_EQ(stream().flushes, 1u);
  link_.Tick();
  EXPECT_EQ(stream().flushes, 2u);
  End();
  link_.Flush();
}

TEST_F(LaneLinkTest, TheFleetOfItsCoreIsKnown) {
  TakeHello();
  CoreToLane welcome = WelcomeOf(Welcome::OUTCOME_NEW);
  stream().Say(welcome);
  EXPECT_EQ(link_.fleet(), 0u) << "a core alone";
  Reopen();
  TakeHello();
  welcome.mutable_welcome()->set_fleet("north");
  stream().Say(welcome);
  EXPECT_NE(link_.fleet(), 0u);
}

TEST_F(LaneLinkTest, AMoveToAPreferredCoreIsNoOutage) {
  Begin();
  FlushLog(absl::Seconds(5));
  testing::internal::CaptureStdout();
  End(0);
  FlushLog(absl::Seconds(5));
  const std::string log = testing::internal::GetCapturedStdout();
  EXPECT_NE(log.find("core_link_moves lane=3"), std::string::npos) << log;
  EXPECT_EQ(log.find("core_link_lost"), std::string::npos) << log;
}

TEST_F(LaneLinkTest, AFirstMessageThatIsNoWelcomeEndsTheStream) {
  TakeHello();
  CoreToLane old_version = WelcomeOf(Welcome::OUTCOME_NEW);
  old_version.mutable_welcome()->set_protocol_version(1);
  const CoreToLane nobody = WelcomeOf(Welcome::OUTCOME_NEW, 0);
  const CoreToLane unknown_link = WelcomeOf(Welcome::OUTCOME_RESUMED);
  for (const CoreToLane& message : {CoreToLane(), Numbered(1), old_version, nobody, unknown_link}) {
    stream().Say(message);
    EXPECT_TRUE(stream().cancelled);
    EXPECT_FALSE(link_.connected());
    stream().Say(WelcomeOf(Welcome::OUTCOME_NEW));
    EXPECT_THAT(listener_.sessions, IsEmpty()) << "of a stream that was refused";
    Reopen();
    TakeHello();
  }
  stream().Say(WelcomeOf(Welcome::OUTCOME_NEW));
  EXPECT_THAT(listener_.sessions, SizeIs(1));
}

// ---- writing

TEST_F(LaneLinkTest, OneWriteIsInFlightAndLaterEventsAreSentWithTheNext) {
  Begin();
  stream().one_at_a_time = true;
  for (uint64_t seq = 1; seq <= 4; ++seq) Submit(seq);
  auto written = stream().TakeWritten();
  ASSERT_THAT(written, SizeIs(1));
  EXPECT_THAT(link::Numbers(written[0]), ElementsAre(1));
  stream().FinishWrite();
  written = stream().TakeWritten();
  ASSERT_THAT(written, SizeIs(1));
  EXPECT_THAT(link::Numbers(written[0]), ElementsAre(2, 3, 4));
  stream().FinishWrite();
  EXPECT_THAT(stream().written, IsEmpty());
}

TEST_F(LaneLinkTest, RoomIsTheRestOfTheWindowAndGrowsWithAcknowledgements) {
  Begin();
  Submit(1, 4000);
  const size_t cost = link_.cost();
  EXPECT_GT(cost, 4000u);
  EXPECT_EQ(link_.Room(), options_.window - cost);
  Submit(2, 9000);
  EXPECT_EQ(link_.Room(), 0u);
  const int rooms = listener_.rooms;
  Acknowledge(1);
  EXPECT_THAT(listener_.accepted, ElementsAre(1));
  EXPECT_GT(listener_.rooms, rooms);
  Acknowledge(2);
  EXPECT_EQ(link_.Room(), options_.window);
  EXPECT_EQ(link_.cost(), 0u);
  EXPECT_THAT(listener_.accepted, ElementsAre(1, 2));
}

TEST_F(LaneLinkTest, HandledMessagesAreAcknowledgedByTheNextTick) {
  Begin();
  stream().Say(Numbered(1));
  ASSERT_THAT(listener_.messages, SizeIs(1));
  link_.Tick();
  const auto written = stream().TakeWritten();
  ASSERT_THAT(written, SizeIs(1));
  EXPECT_EQ(written[0].received(), 1u);
  EXPECT_EQ(written[0].number(), 0u);
}

TEST_F(LaneLinkTest, AnIdleLaneSendsEmptyMessagesAsOftenAsTheCoreAsks) {
  TakeHello();
  CoreToLane welcome = WelcomeOf(Welcome::OUTCOME_NEW);
  welcome.mutable_welcome()->set_beat_ms(2000);
  stream().Say(welcome);
  int beats = 0;
  for (int tick = 0; tick < 100; ++tick) {
    link_.Tick();
    const auto written = stream().TakeWritten();
    beats += static_cast<int>(written.size());
    for (const LaneToCore& message : written) EXPECT_EQ(message.ByteSizeLong(), 0u);
  }
  // In ten seconds.
  EXPECT_EQ(beats, 5);
}

// ---- messages of their own

TEST_F(LaneLinkTest, ABatchSubmittedApartIsSentInAMessageOfItsOwn) {
  Begin();
  stream().one_at_a_time = true;
  Submit(1);
  Submit(2);
  LaneToCore piece = link::Relay(3);
  link_.SubmitApart(piece);
  EXPECT_EQ(piece.events_size(), 0) << "not cleared";
  Submit(4);
  Submit(5);
  std::vector<std::vector<uint64_t>> messages;
  for (int i = 0; i < 4; ++i) {
    for (const LaneToCore& message : stream().TakeWritten())
      messages.push_back(link::Numbers(message));
    stream().FinishWrite();
  }
  EXPECT_THAT(messages,
              ElementsAre(ElementsAre(1), ElementsAre(2), ElementsAre(3), ElementsAre(4, 5)));
}

// ---- back-off

TEST_F(LaneLinkTest, PausesGrowToTheLongestAndBeginAgainAfterASteadyStream) {
  for (int i = 0; i < 20; ++i) Reopen();
  const absl::Duration longest = absl::FromChrono(link::kMaxBackoff);
  for (const absl::Duration wait : executor_.waits) EXPECT_LE(wait, longest);
  EXPECT_LE(executor_.waits.at(0), absl::FromChrono(link::kFirstBackoff));
  EXPECT_GT(executor_.waits.back(), absl::FromChrono(link::kFirstBackoff));
  EXPECT_THAT(*streams_, SizeIs(21));
  Begin();
  clock_.Advance(absl::FromChrono(link::kSteadyStream));
  executor_.waits.clear();
  Reopen();
  EXPECT_LE(executor_.waits.at(0), absl::FromChrono(link::kFirstBackoff));
}

// As of a proxy that ends each stream with a GOAWAY once its server has answered.
TEST_F(LaneLinkTest, StreamsThatEndRightAfterTheirWelcomeAreOpenedEverMoreSlowly) {
  Begin();
  for (int i = 0; i < 20; ++i) {
    Reopen();
    TakeHello();
    stream().Say(WelcomeOf(Welcome::OUTCOME_RESUMED));
  }
  EXPECT_TRUE(link_.connected());
  EXPECT_GE(executor_.waits.back(), absl::FromChrono(link::kMaxBackoff) / 2);
}

TEST_F(LaneLinkTest, WhileItPausesThereIsNoStreamAndNoHurry) {
  End();
  EXPECT_THAT(*streams_, SizeIs(1));
  EXPECT_EQ(executor_.posted(), 1u);
  link_.Tick();
  EXPECT_THAT(*streams_, SizeIs(1));
}

}  // namespace
}  // namespace cairn::edge

// Streams that break, and ends that break the rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/link_fixture.h"

namespace cairn::link {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- streams that break

TEST_F(LinkTest, AfterABreakUnhandledMessagesAreResentWithTheirNumbers) {
  std::vector<LaneToCore> written;
  for (uint64_t seq = 1; seq <= 5; ++seq) {
    Append(Relay(seq));
    written.push_back(Write().at(0));
  }
  EXPECT_THAT(Handle({written.begin(), written.begin() + 2}), ElementsAre(1, 2));
  edge_.Detach();
  Append(Relay(6));
  EXPECT_FALSE(edge_.HasNext());
  Reconnect();
  const std::vector<LaneToCore> again = Write();
  ASSERT_THAT(again, SizeIs(4));
  EXPECT_EQ(again[0].number(), 3u);
  EXPECT_EQ(again[3].number(), 6u);
  EXPECT_THAT(Handle(again), ElementsAre(3, 4, 5, 6));
}

TEST_F(LinkTest, AMessageThatWasHandledBeforeIsNotHandledAgain) {
  Append(Relay(1));
  const std::vector<LaneToCore> written = Write();
  EXPECT_THAT(Handle(written), ElementsAre(1));
  EXPECT_THAT(Handle(written), IsEmpty());
}

TEST_F(LinkTest, AMessageIsNumberedWhenItIsWritten) {
  Append(Relay(1));
  Append(Relay(2));
  Reconnect();
  Append(Relay(3));
  EXPECT_THAT(Numbers(Write().at(0)), ElementsAre(1, 2, 3));
}

TEST_F(LinkTest, TheAcknowledgementOfABrokenStreamIsInTheOpeningOfTheNext) {
  Append(Relay(1));
  Handle(Write());
  core_.AckNow();
  Reconnect();
  EXPECT_FALSE(core_.HasNext()) << "Welcome has said it";
}

TEST_F(LinkTest, AResentMessageAcknowledgesLaterInputToo) {
  Append(Relay(1));
  EXPECT_EQ(Write().at(0).received(), 0u);
  CoreToLane delivery = Delivery(1);
  core_.Append(delivery);
  CoreToLane in = core_.Next();
  EXPECT_EQ(edge_.Receive(in, kIgnore), Receipt::kHandle);
  Reconnect();
  EXPECT_EQ(Write().at(0).received(), 1u);
}

// ---- an end that breaks the rules

TEST_F(LinkTest, ASkippedNumberIsBroken) {
  for (const uint64_t number : {2u, 1'000'000u}) {
    CoreEnd core(kWindow, kMaxWhole);
    LaneToCore message = Relay(1);
    message.set_number(number);
    EXPECT_EQ(core.Receive(message, kIgnore), Receipt::kBroken);
    EXPECT_EQ(core.received(), 0u);
  }
}

TEST_F(LinkTest, AnAcknowledgementOfAnUnwrittenMessageIsBroken) {
  Append(Relay(1));
  Write();
  Append(Relay(2));  // not written
  for (const uint64_t number : {2u, 3u, 1'000'000u}) {
    CoreToLane message;
    message.set_received(number);
    EXPECT_EQ(edge_.Receive(message, kIgnore), Receipt::kBroken);
    EXPECT_FALSE(edge_.Acknowledge(number, kIgnore));
  }
  edge_.Detach();
  EXPECT_FALSE(edge_.Attach(2, kIgnore));
  EXPECT_FALSE(edge_.attached());
  EXPECT_TRUE(edge_.Attach(1, kIgnore));
}

TEST_F(LinkTest, AnAcknowledgementStaysValidAfterABreak) {
  Append(Relay(1));
  Append(Relay(2, kMaxMessageBytes));
  Handle(Write());
  const uint64_t handled = core_.received();
  ASSERT_GE(handled, 2u);
  edge_.Detach();
  EXPECT_TRUE(edge_.Attach(0, kIgnore)) << "a stream whose opening was older";
  CoreToLane late;
  late.set_received(handled);
  EXPECT_EQ(edge_.Receive(late, kIgnore), Receipt::kNothing);
  EXPECT_TRUE(edge_.idle());
}

TEST_F(LinkTest, ALowerAcknowledgementHasNoEffect) {
  for (uint64_t seq = 1; seq <= 2; ++seq) {
    Append(Relay(seq));
    Handle(Write());
  }
  AcknowledgedByCore();
  CoreToLane old;
  old.set_received(1);
  EXPECT_EQ(edge_.Receive(old, [](const LaneToCore&) { FAIL(); }), Receipt::kNothing);
}

}  // namespace
}  // namespace cairn::link

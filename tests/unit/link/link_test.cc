// What an end of a link writes, and what it acknowledges.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/link_fixture.h"

namespace cairn::link {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- sending

TEST_F(LinkTest, WritesNothingBeforeItIsAttachedAndEverythingAfter) {
  EdgeEnd link(kWindow, kMaxWhole);
  LaneToCore message = Relay(1);
  link.Append(message);
  link.BeatNow();
  EXPECT_FALSE(link.attached());
  EXPECT_FALSE(link.HasNext());
  EXPECT_TRUE(link.Attach(0, kIgnore));
  ASSERT_TRUE(link.HasNext());
  EXPECT_EQ(link.Next().number(), 1u);
}

TEST_F(LinkTest, ItemsAppendedBeforeTheNextWriteAreInOneMessage) {
  Append(Relay(1));
  LaneToCore more = Relay(2);
  more.mutable_stats()->set_messages_in(3);
  Append(std::move(more));
  const std::vector<LaneToCore> written = Write();
  ASSERT_THAT(written, SizeIs(1));
  EXPECT_EQ(written[0].number(), 1u);
  EXPECT_THAT(Numbers(written[0]), ElementsAre(1, 2));
  EXPECT_EQ(written[0].stats().messages_in(), 3u);
  Append(Relay(3));
  EXPECT_EQ(Write().at(0).number(), 2u);
  EXPECT_THAT(Write(), IsEmpty());
}

TEST_F(LinkTest, ACutBeginsAnotherMessageIfThereIsAnythingInThisOne) {
  edge_.Cut();
  Append(Relay(1));
  edge_.Cut();
  edge_.Cut();
  Append(Relay(2));
  Append(Relay(3));
  edge_.Cut();
  const std::vector<LaneToCore> written = Write();
  ASSERT_THAT(written, SizeIs(2));
  EXPECT_THAT(Numbers(written[0]), ElementsAre(1));
  EXPECT_THAT(Numbers(written[1]), ElementsAre(2, 3));
  EXPECT_THAT(Handle(written), ElementsAre(1, 2, 3));
  AcknowledgedByCore();
  EXPECT_EQ(edge_.cost(), 0u);
  EXPECT_TRUE(edge_.idle());
}

TEST_F(LinkTest, OfFiguresThatAreAppendedTwiceTheLatestCount) {
  for (const uint64_t count : {1u, 2u}) {
    LaneToCore message;
    message.mutable_stats()->set_messages_in(count);
    Append(std::move(message));
  }
  const std::vector<LaneToCore> written = Write();
  ASSERT_THAT(written, SizeIs(1));
  EXPECT_EQ(written[0].stats().messages_in(), 2u);
  EXPECT_TRUE(Handle(written).empty());
  AcknowledgedByCore();
  EXPECT_EQ(edge_.cost(), 0u);
}

TEST_F(LinkTest, AMessageOfManyItemsIsCutBetweenThem) {
  LaneToCore message;
  const size_t item = kMaxMessageBytes / 5;
  for (uint64_t seq = 1; seq <= 12; ++seq) AddRelay(message, seq, item);
  Append(std::move(message));
  const std::vector<LaneToCore> written = Write();
  EXPECT_GE(written.size(), 3u);
  for (const LaneToCore& one : written) {
    EXPECT_LE(one.ByteSizeLong(), kMaxMessageBytes);
    EXPECT_FALSE(one.more());
  }
  EXPECT_THAT(Handle(written), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
}

TEST_F(LinkTest, AMessageGathersNoMoreThanItsBound) {
  for (uint64_t seq = 1; seq <= 300; ++seq) Append(Relay(seq, 200));
  const std::vector<LaneToCore> written = Write();
  EXPECT_LT(written.size(), 10u);
  for (const LaneToCore& one : written) EXPECT_LE(CostOf(one), kGatheredBytes);
  EXPECT_THAT(Handle(written), SizeIs(300));
  Append(Relay(301, kGatheredBytes));
  Append(Relay(302, kGatheredBytes));
  EXPECT_THAT(Write(), SizeIs(2));
}

TEST_F(LinkTest, OtherFieldsKeepMessagesWithinTheirBoundToo) {
  CoreToLane message = Delivery(1, kMaxMessageBytes / 2);
  message.add_deliveries()->set_payload(std::string(kMaxMessageBytes / 2, 'x'));
  for (uint64_t seq = 0; seq < kMaxMessageBytes / 4; ++seq)
    message.add_settled(2 * seq + 1'000'000);
  core_.Append(message);
  size_t settled = 0;
  while (core_.HasNext()) {
    CoreToLane& out = core_.Next();
    EXPECT_LE(out.ByteSizeLong(), kMaxMessageBytes + kPartOverhead);
    CoreToLane in = out;
    if (edge_.Receive(in, kIgnore) == Receipt::kHandle)
      settled += static_cast<size_t>(in.settled_size());
  }
  EXPECT_EQ(settled, kMaxMessageBytes / 4);
}

// ---- acknowledgements

TEST_F(LinkTest, MessagesAreKeptUntilTheyAreAcknowledgedAndThenGivenBackOldestFirst) {
  for (uint64_t seq = 1; seq <= 4; ++seq) {
    Append(Relay(seq));
    Handle(Write());
    if (seq == 2) {
      EXPECT_THAT(AcknowledgedByCore(), ElementsAre(1, 2));
    }
  }
  EXPECT_FALSE(edge_.idle());
  EXPECT_THAT(AcknowledgedByCore(), ElementsAre(3, 4));
  EXPECT_THAT(AcknowledgedByCore(), IsEmpty());
  EXPECT_TRUE(edge_.idle());
}

TEST_F(LinkTest, AnAcknowledgementGoesWithTheNextMessageOrWhenItIsTime) {
  Append(Relay(1));
  Handle(Write());
  EXPECT_FALSE(core_.HasNext()) << "not worth a message of its own";
  CoreToLane delivery = Delivery(1);
  core_.Append(delivery);
  EXPECT_EQ(core_.Next().received(), 1u);
  Append(Relay(2));
  Handle(Write());
  core_.AckNow();
  ASSERT_TRUE(core_.HasNext());
  const CoreToLane& bare = core_.Next();
  EXPECT_EQ(bare.number(), 0u) << "nothing in it could be lost";
  EXPECT_EQ(bare.received(), 2u);
  EXPECT_FALSE(core_.HasNext()) << "said twice";
  core_.AckNow();
  EXPECT_FALSE(core_.HasNext()) << "there is nothing new to acknowledge";
}

TEST_F(LinkTest, ATimeAtWhichThereWasNothingToAcknowledgeDoesNotHurryTheNext) {
  core_.AckNow();
  EXPECT_FALSE(core_.HasNext());
  Append(Relay(1));
  Handle(Write());
  EXPECT_FALSE(core_.HasNext());
}

TEST_F(LinkTest, ManyItemsAreAcknowledgedByAMessageOfItsOwn) {
  for (int i = 1; i < EdgeEnd::kItemsPerAck; ++i) {
    Append(Relay(static_cast<uint64_t>(i)));
    Handle(Write());
  }
  EXPECT_FALSE(core_.HasNext());
  Append(Relay(EdgeEnd::kItemsPerAck));
  Handle(Write());
  ASSERT_TRUE(core_.HasNext());
  EXPECT_EQ(core_.Next().received(), static_cast<uint64_t>(EdgeEnd::kItemsPerAck));
  EXPECT_FALSE(core_.HasNext());
}

TEST_F(LinkTest, MuchIsAcknowledgedByAMessageOfItsOwn) {
  const size_t item = kMaxMessageBytes / 2;
  uint64_t seq = 0;
  for (size_t cost = 0; cost < EdgeEnd::kCostPerAck; cost += item) {
    EXPECT_FALSE(core_.HasNext()) << cost;
    Append(Relay(++seq, item));
    Handle(Write());
  }
  EXPECT_TRUE(core_.HasNext());
}

TEST_F(LinkTest, PartsAreAcknowledgedLikeWholeMessages) {
  Append(Relay(1, EdgeEnd::kCostPerAck + kMaxMessageBytes));
  const std::vector<LaneToCore> parts = Write();
  Handle({parts.begin(), parts.end() - 1});
  ASSERT_TRUE(core_.HasNext()) << "or a large message would look like silence";
  EXPECT_EQ(core_.Next().received(), parts.size() - 1);
}

TEST_F(LinkTest, AnEndThatKeepsMoreThanHalfOfItsWindowIsAnsweredAtOnce) {
  EdgeEnd small(4 * CostOf(Relay(1)), kMaxWhole);
  EXPECT_TRUE(small.Attach(0, kIgnore));
  for (uint64_t seq = 1; seq <= 3; ++seq) {
    LaneToCore message = Relay(seq);
    small.Append(message);
    LaneToCore written = small.Next();
    EXPECT_EQ(core_.Receive(written, kIgnore), Receipt::kHandle);
    EXPECT_EQ(core_.HasNext(), seq == 3) << seq;
  }
  EXPECT_EQ(core_.Next().received(), 3u);
}

TEST_F(LinkTest, ABeatIsOneMessageEvenIfThereIsNothingInIt) {
  edge_.BeatNow();
  const std::vector<LaneToCore> written = Write();
  ASSERT_THAT(written, SizeIs(1));
  EXPECT_EQ(written[0].ByteSizeLong(), 0u);
  edge_.BeatNow();
  Append(Relay(1));
  EXPECT_THAT(Write(), SizeIs(1)) << "any message is a beat";
  edge_.BeatNow();
  Reconnect();
  edge_.Detach();
  EXPECT_TRUE(edge_.Attach(0, kIgnore));
  EXPECT_EQ(Write().back().number(), 1u) << "a beat of the last stream";
}

// ---- an owner that gives the link up

TEST_F(LinkTest, AfterGiveUpUnacknowledgedMessagesAreHandedOverOldestFirst) {
  Append(Relay(1));
  Handle(Write());
  AcknowledgedByCore();
  Append(Relay(2));
  Write();
  Append(Relay(3, kLarge));
  Write();
  Append(Relay(4));
  std::vector<uint64_t> numbers;
  for (const LaneToCore& message : edge_.TakeUnacknowledged()) {
    EXPECT_TRUE(message.part().empty());
    for (const uint64_t number : Numbers(message)) numbers.push_back(number);
  }
  EXPECT_THAT(numbers, ElementsAre(2, 3, 4));
  EXPECT_EQ(edge_.cost(), 0u);
  EXPECT_TRUE(edge_.idle());
  EXPECT_THAT(edge_.TakeUnacknowledged(), IsEmpty());
}

}  // namespace
}  // namespace cairn::link

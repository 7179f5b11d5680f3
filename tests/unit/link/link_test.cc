#include "proto/link/link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/link_messages.h"

namespace cairn::link {
namespace {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using EdgeEnd = Link<LaneToCore, CoreToLane>;
using CoreEnd = Link<CoreToLane, LaneToCore>;

constexpr size_t kWindow = 64 << 20;
constexpr size_t kMaxWhole = 4 << 20;
// More than one message may have, so that it travels in three parts.
constexpr size_t kLarge = 2 * kMaxMessageBytes + 1000;
// Of a message that carries nothing but a part: its number, its acknowledgement, its length.
constexpr size_t kPartOverhead = 64;

constexpr auto kIgnore = [](const auto&) {};

// The edge's end, on a stream to an end that has handled nothing.
class LinkTest : public testing::Test {
 protected:
  LinkTest() {
    EXPECT_TRUE(edge_.Attach(0, kIgnore));
    EXPECT_TRUE(core_.Attach(0, kIgnore));
  }

  void Append(LaneToCore message) {
    edge_.Append(message);
    EXPECT_EQ(message.events_size(), 0) << "not cleared";
  }
  // Everything that the edge's end writes now.
  std::vector<LaneToCore> Write() {
    std::vector<LaneToCore> written;
    while (edge_.HasNext()) written.push_back(edge_.Next());
    return written;
  }
  // The numbers of the relays that the core's end is given to handle.
  std::vector<uint64_t> Handle(const std::vector<LaneToCore>& messages) {
    std::vector<uint64_t> handled;
    for (LaneToCore message : messages) {
      const Receipt receipt = core_.Receive(message, kIgnore);
      EXPECT_NE(receipt, Receipt::kBroken);
      if (receipt != Receipt::kHandle) continue;
      for (const uint64_t number : Numbers(message)) handled.push_back(number);
    }
    return handled;
  }
  // What the edge's end gives back when the core's end says how far it is.
  std::vector<uint64_t> AcknowledgedByCore() {
    std::vector<uint64_t> released;
    CoreToLane message;
    message.set_received(core_.received());
    EXPECT_EQ(edge_.Receive(message,
                            [&](const LaneToCore& one) {
                              for (const uint64_t n : Numbers(one)) released.push_back(n);
                            }),
              Receipt::kNothing);
    return released;
  }
  // The stream breaks and another opens.
  void Reconnect() {
    edge_.Detach();
    core_.Detach();
    EXPECT_TRUE(edge_.Attach(core_.received(), kIgnore));
    EXPECT_TRUE(core_.Attach(edge_.received(), kIgnore));
  }

  EdgeEnd edge_{kWindow, kMaxWhole};
  CoreEnd core_{kWindow, kMaxWhole};
};

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

TEST_F(LinkTest, WhatIsAppendedUntilTheNextWriteTravelsInOneMessage) {
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
  for (uint64_t seq = 1; seq <= 8; ++seq) Append(Relay(seq, kMaxMessageBytes / 3));
  for (const LaneToCore& one : Write()) EXPECT_LE(one.ByteSizeLong(), kMaxMessageBytes);
}

TEST_F(LinkTest, WhatIsNoItemKeepsMessagesWithinTheirBoundToo) {
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

TEST_F(LinkTest, PartsAreAcknowledgedLikeWholes) {
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

// ---- streams that break

TEST_F(LinkTest, AfterABreakWhatTheOtherEndHasNotHandledIsWrittenAgainUnderItsNumbers) {
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

TEST_F(LinkTest, WhatGathersIsNotNumberedBeforeItIsWritten) {
  Append(Relay(1));
  Append(Relay(2));
  Reconnect();
  Append(Relay(3));
  EXPECT_THAT(Numbers(Write().at(0)), ElementsAre(1, 2, 3));
}

TEST_F(LinkTest, TheAcknowledgementOfABrokenStreamIsSaidInTheOpeningOfTheNext) {
  Append(Relay(1));
  Handle(Write());
  core_.AckNow();
  Reconnect();
  EXPECT_FALSE(core_.HasNext()) << "Welcome has said it";
}

TEST_F(LinkTest, AMessageWrittenAgainAcknowledgesWhatHasBeenReceivedSince) {
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

TEST_F(LinkTest, ANumberThatIsLeftOutIsBroken) {
  for (const uint64_t number : {2u, 1'000'000u}) {
    CoreEnd core(kWindow, kMaxWhole);
    LaneToCore message = Relay(1);
    message.set_number(number);
    EXPECT_EQ(core.Receive(message, kIgnore), Receipt::kBroken);
    EXPECT_EQ(core.received(), 0u);
  }
}

TEST_F(LinkTest, AnAcknowledgementOfWhatWasNeverWrittenIsBroken) {
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

TEST_F(LinkTest, AnAcknowledgementStaysValidAfterABreakWhateverIsWrittenAgain) {
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

TEST_F(LinkTest, AnAcknowledgementThatGoesBackChangesNothing) {
  for (uint64_t seq = 1; seq <= 2; ++seq) {
    Append(Relay(seq));
    Handle(Write());
  }
  AcknowledgedByCore();
  CoreToLane old;
  old.set_received(1);
  EXPECT_EQ(edge_.Receive(old, [](const LaneToCore&) { FAIL(); }), Receipt::kNothing);
}

// ---- parts

TEST_F(LinkTest, ALargeItemTravelsInPartsAndIsHandledOnceWithTheLast) {
  Append(Relay(1));
  Append(Relay(2, kLarge));
  Append(Relay(3));
  const std::vector<LaneToCore> written = Write();
  ASSERT_THAT(written, SizeIs(5)) << "three of them parts";
  for (const LaneToCore& one : written)
    EXPECT_LE(one.ByteSizeLong(), kMaxMessageBytes + kPartOverhead);
  EXPECT_THAT(Handle({written.begin(), written.begin() + 3}), ElementsAre(1));
  LaneToCore last = written[3];
  ASSERT_EQ(core_.Receive(last, kIgnore), Receipt::kHandle);
  ASSERT_EQ(last.events_size(), 1);
  EXPECT_EQ(last.events(0).payload(), std::string(kLarge, 'x'));
  EXPECT_EQ(last.events(0).seq(), 2u);
  EXPECT_THAT(Handle({written[4]}), ElementsAre(3));
  EXPECT_THAT(AcknowledgedByCore(), ElementsAre(1, 2, 3)) << "the whole, once";
  EXPECT_EQ(edge_.cost(), 0u);
}

TEST_F(LinkTest, ALargeItemIsKeptOnceHoweverManyPartsItHas) {
  const LaneToCore large = Relay(1, kLarge);
  Append(large);
  Write();
  EXPECT_EQ(edge_.cost(), CostOf(large));
}

TEST_F(LinkTest, ALargeItemGoesOnAfterABreakWhereItWas) {
  Append(Relay(1, kLarge));
  const std::vector<LaneToCore> written = Write();
  Handle({written.begin(), written.begin() + 2});
  EXPECT_THAT(AcknowledgedByCore(), IsEmpty()) << "not before its last part";
  Reconnect();
  const std::vector<LaneToCore> rest = Write();
  EXPECT_THAT(rest, SizeIs(written.size() - 2));
  EXPECT_THAT(Handle(rest), ElementsAre(1));
}

TEST_F(LinkTest, PartsThatDoNotMakeAMessageAreBroken) {
  LaneToCore part;
  part.set_number(1);
  part.set_part("\x22\xff no message");
  EXPECT_EQ(core_.Receive(part, kIgnore), Receipt::kBroken);
}

TEST_F(LinkTest, AWholeMessageAmongPartsIsBroken) {
  Append(Relay(1, kLarge));
  Handle({Write().at(0)});
  LaneToCore whole = Relay(2);
  whole.set_number(2);
  EXPECT_EQ(core_.Receive(whole, kIgnore), Receipt::kBroken);
}

TEST_F(LinkTest, PartsThatMakeTooLargeAMessageAreBroken) {
  CoreEnd core(kWindow, 1000);
  LaneToCore part;
  part.set_more(true);
  part.set_part(std::string(500, 'x'));
  for (const uint64_t number : {1u, 2u}) {
    part.set_number(number);
    LaneToCore copy = part;
    EXPECT_EQ(core.Receive(copy, kIgnore), Receipt::kNothing);
  }
  part.set_number(3);
  part.set_part("x");
  EXPECT_EQ(core.Receive(part, kIgnore), Receipt::kBroken);
}

// ---- memory

TEST_F(LinkTest, ItsCostIsThatOfWhatIsNotAcknowledged) {
  EXPECT_EQ(edge_.cost(), 0u);
  const size_t one = CostOf(Relay(1, 1000));
  for (uint64_t seq = 1; seq <= 3; ++seq) Append(Relay(seq, 1000));
  EXPECT_EQ(edge_.cost(), 3 * one);
  Handle(Write());
  Append(Relay(4, 1000));
  EXPECT_EQ(edge_.cost(), 4 * one);
  AcknowledgedByCore();
  EXPECT_EQ(edge_.cost(), one);
}

TEST_F(LinkTest, WhateverItHasCarriedItsCostIsGivenBack) {
  // Alone and behind something, with and without what is no item, in one message, in many and in
  // parts.
  for (const size_t payload : {size_t{10}, kMaxMessageBytes / 3, kMaxMessageBytes, kLarge}) {
    for (const uint64_t items : {0u, 1u, 2u, 7u}) {
      for (const bool with_stats : {false, true}) {
        LaneToCore message;
        for (uint64_t seq = 1; seq <= items; ++seq) AddRelay(message, seq, payload);
        if (with_stats) message.mutable_stats()->set_messages_in(1);
        if (link::IsEmpty(message)) continue;
        Append(std::move(message));
        EXPECT_GT(edge_.cost(), 0u);
        Handle(Write());
        AcknowledgedByCore();
        ASSERT_EQ(edge_.cost(), 0u) << payload << " bytes, " << items << " items, " << with_stats;
        ASSERT_TRUE(edge_.idle());
      }
    }
  }
}

TEST_F(LinkTest, OfTheCoreItsCostIsGivenBackToo) {
  CoreToLane message;
  for (uint64_t seq = 1; seq <= 3; ++seq)
    *message.add_deliveries() = Delivery(seq, kMaxMessageBytes / 2).deliveries(0);
  message.add_settled(1);
  message.add_settled(2);
  message.mutable_roster()->add_lanes(1);
  core_.Append(message);
  while (core_.HasNext()) {
    CoreToLane in = core_.Next();
    EXPECT_EQ(edge_.Receive(in, kIgnore), Receipt::kHandle);
  }
  EXPECT_TRUE(core_.Acknowledge(edge_.received(), kIgnore));
  EXPECT_EQ(core_.cost(), 0u);
}

// ---- an owner that gives the link up

TEST_F(LinkTest, GivenUpItHandsOverWhatIsNotAcknowledgedOldestFirst) {
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

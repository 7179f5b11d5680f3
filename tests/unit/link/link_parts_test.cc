// Large items that travel in parts, and what a link costs.
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

TEST_F(LinkTest, ALargeItemIsKeptOnceAndNotOncePerPart) {
  const LaneToCore large = Relay(1, kLarge);
  Append(large);
  Write();
  EXPECT_EQ(edge_.cost(), CostOf(large));
}

TEST_F(LinkTest, ALargeItemContinuesWhereABreakInterruptedIt) {
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

TEST_F(LinkTest, ItsCostIsThatOfUnacknowledgedItems) {
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

TEST_F(LinkTest, ItsCostReturnsToZeroForEveryKindOfItem) {
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

TEST_F(LinkTest, ItsCostReturnsToZeroForItemsOfTheCoreToo) {
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

}  // namespace
}  // namespace cairn::link

#include "core/core_message.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cairn::core {
namespace {

using signaling::v1::Command;
using signaling::v1::CoreToLane;
using signaling::v1::Notice;

void AddDelivery(CoreToLane& message, uint64_t seq) {
  signaling::v1::Delivery* delivery = message.add_deliveries();
  delivery->set_seq(seq);
  delivery->set_payload(std::string(100, 'p'));
}

CoreToLane Everything() {
  CoreToLane message;
  message.mutable_welcome()->set_core_id(9);
  message.set_acked_seq(4);
  AddDelivery(message, 1);
  message.add_commands()->set_kind(Command::KIND_DRAIN);
  message.add_answers()->set_peer(3);
  message.add_notices()->set_kind(Notice::KIND_JOINED);
  message.add_roster(5);
  return message;
}

TEST(CoreMessage, IsEmptyUntilItSaysAnything) {
  EXPECT_TRUE(IsEmpty(CoreToLane()));
  EXPECT_FALSE(IsEmpty(Everything()));
  CoreToLane cleared = Everything();
  cleared.Clear();
  EXPECT_TRUE(IsEmpty(cleared));
}

// Every field that a message has, so that one that is new is not forgotten in either function.
TEST(CoreMessage, EachFieldAloneIsNotEmptyAndIsAppended) {
  const CoreToLane everything = Everything();
  const auto* descriptor = CoreToLane::descriptor();
  const auto* reflection = everything.GetReflection();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    CoreToLane one = everything;
    std::vector<const google::protobuf::FieldDescriptor*> set;
    reflection->ListFields(one, &set);
    for (const auto* other : set) {
      if (other != field) reflection->ClearField(&one, other);
    }
    EXPECT_FALSE(IsEmpty(one)) << field->name() << " is not set by this test, or not looked at";
    const CoreToLane expected = one;
    CoreToLane to;
    if (field->name() == "acked_seq") {
      AddDelivery(to, 1);
    } else {
      to.set_acked_seq(4);
    }
    CoreToLane both = to;
    both.MergeFrom(expected);
    AppendCoreMessage(one, to);
    EXPECT_EQ(to.SerializeAsString(), both.SerializeAsString()) << field->name();
    EXPECT_TRUE(IsEmpty(one)) << field->name();
  }
}

TEST(CoreMessage, AppendingToAnEmptyMessageMovesEverything) {
  CoreToLane from = Everything();
  CoreToLane to;
  AppendCoreMessage(from, to);
  EXPECT_EQ(to.SerializeAsString(), Everything().SerializeAsString());
  EXPECT_TRUE(IsEmpty(from));
}

TEST(CoreMessage, WhatComesLaterStandsBehind) {
  CoreToLane to;
  for (uint64_t seq = 1; seq <= 6; seq += 2) {
    CoreToLane from;
    AddDelivery(from, seq);
    AddDelivery(from, seq + 1);
    from.set_acked_seq(seq * 10);
    AppendCoreMessage(from, to);
    EXPECT_TRUE(IsEmpty(from));
  }
  ASSERT_EQ(to.deliveries_size(), 6);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(to.deliveries(i).seq(), static_cast<uint64_t>(i + 1));
  EXPECT_EQ(to.acked_seq(), 50u);
}

TEST(CoreMessage, AMessageWithoutAnAcknowledgementTakesNoneBack) {
  CoreToLane to;
  to.set_acked_seq(7);
  CoreToLane from;
  AddDelivery(from, 1);
  AppendCoreMessage(from, to);
  EXPECT_EQ(to.acked_seq(), 7u);
}

TEST(CoreMessage, TheLaterOfTwoRostersCounts) {
  CoreToLane to;
  to.add_roster(1);
  to.add_roster(2);
  CoreToLane from;
  from.add_roster(2);
  AppendCoreMessage(from, to);
  ASSERT_EQ(to.roster_size(), 1);
  EXPECT_EQ(to.roster(0), 2u);
}

TEST(CoreMessage, AppendingNothingChangesNothing) {
  CoreToLane to = Everything();
  CoreToLane from;
  AppendCoreMessage(from, to);
  EXPECT_EQ(to.SerializeAsString(), Everything().SerializeAsString());
}

}  // namespace
}  // namespace cairn::core

#include "proto/link/parse_cost.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/link/cost.h"
#include "proto/link/link.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::link {
namespace {

using signaling::v1::LaneEvent;
using signaling::v1::LaneToCore;

constexpr size_t kMiB = 1 << 20;

bool Fits(const std::string& bytes, size_t max_cost) {
  return ParsesWithin(bytes, *LaneToCore::descriptor(), max_cost);
}

LaneToCore Events(int count) {
  LaneToCore message;
  for (int i = 0; i < count; ++i) message.add_events();
  return message;
}

TEST(ParseCost, CountsTheFieldsOfTheMessageAndNotThoseInThem) {
  LaneToCore message = Events(3);
  message.mutable_events(0)->set_topic("t");
  message.set_number(7);
  EXPECT_EQ(CountFields(message.SerializeAsString()), 4u);
  EXPECT_EQ(CountFields(""), 0u);
  EXPECT_GE(CountFields(std::string(8192, '\xff')), 0u) << "what is malformed ends the count";
}

TEST(ParseCost, TheSmallestFieldsAreCountedToo) {
  const std::string bytes = Events(5).SerializeAsString();
  EXPECT_TRUE(HasFewFields(bytes, 5));
  EXPECT_FALSE(HasFewFields(bytes, 4));
}

TEST(ParseCost, EmptyItemsCostTheirMemory) {
  const LaneToCore message = Events(100'000);
  const std::string bytes = message.SerializeAsString();
  EXPECT_EQ(bytes.size(), 200'000u);
  EXPECT_FALSE(Fits(bytes, 2 * bytes.size() + kMiB / 2));
  EXPECT_GT(CostOf(message), 50 * bytes.size()) << "what it would have been";
}

TEST(ParseCost, TheSameForItemsWithinItems) {
  LaneToCore message;
  auto* record = message.add_events()->mutable_record();
  for (int i = 0; i < 100'000; ++i) record->add_addresses();
  EXPECT_FALSE(Fits(message.SerializeAsString(), kMiB));
  LaneToCore stats;
  for (int i = 0; i < 100'000; ++i) stats.mutable_stats()->add_drops();
  EXPECT_FALSE(Fits(stats.SerializeAsString(), kMiB));
}

TEST(ParseCost, OneLargeItemCostsItsBytes) {
  LaneToCore message;
  LaneEvent* event = message.add_events();
  event->set_kind(LaneEvent::KIND_RELAYED);
  event->set_peer(~uint64_t{0});
  event->set_payload(std::string(40 * kMiB, 'x'));
  EXPECT_TRUE(Fits(message.SerializeAsString(), 41 * kMiB));
  EXPECT_FALSE(Fits(message.SerializeAsString(), 39 * kMiB));
}

TEST(ParseCost, WhatALinkSendsAtOnceIsAffordableAndTwiceThatIsToo) {
  LaneEvent opened;
  opened.set_kind(LaneEvent::KIND_PEER_OPENED);
  opened.set_peer(~uint64_t{0});
  opened.set_proof(1);
  opened.mutable_info()->set_connected_since_us(int64_t{1} << 50);
  opened.mutable_info()->set_remote_address("a");
  opened.mutable_info()->set_user_agent("u");
  opened.mutable_info()->set_tls_version("t");
  opened.mutable_stats()->set_dialect("d");
  LaneEvent relayed;
  relayed.set_kind(LaneEvent::KIND_RELAYED);
  relayed.set_peer(~uint64_t{0});
  relayed.set_proof(1);
  relayed.set_topic("t");
  relayed.set_payload("p");
  relayed.set_seq(~uint64_t{0});
  relayed.set_read_us(int64_t{1} << 50);
  LaneEvent published = relayed;
  published.set_kind(LaneEvent::KIND_PUBLISHED);
  published.mutable_record()->set_peer_id("x");
  for (int i = 0; i < 64; ++i) published.mutable_record()->add_addresses("a");
  LaneEvent ended;
  ended.set_kind(LaneEvent::KIND_QUERY_ENDED);
  for (const LaneEvent& event : {opened, relayed, published, ended}) {
    LaneToCore message;
    for (size_t cost = 0; cost <= 2 * kMaxMessageBytes; cost += CostOf(event))
      *message.add_events() = event;
    EXPECT_TRUE(IsAffordable<LaneToCore>(message.SerializeAsString()))
        << event.ShortDebugString() << message.events_size();
  }
}

TEST(ParseCost, AMessageOfEmptyItemsIsNotAffordable) {
  LaneToCore message;
  auto* record = message.add_events()->mutable_record();
  for (int i = 0; i < 280'000; ++i) record->add_addresses();
  const std::string bytes = message.SerializeAsString();
  EXPECT_LT(bytes.size(), kMaxMessageBytes + (64u << 10));
  EXPECT_GT(message.SpaceUsedLong(), 10 * kMiB) << "what it would have been";
  EXPECT_FALSE(IsAffordable<LaneToCore>(bytes));
}

TEST(ParseCost, MalformedMessagesDoNotFit) {
  for (const std::string& bytes :
       {std::string("\x22\x05"
                    "ab"),
        std::string("\x23\x24"), std::string("\x22\x7f"), std::string("\x08")})
    EXPECT_FALSE(Fits(bytes, kMiB));
  EXPECT_TRUE(Fits("", 0));
}

}  // namespace
}  // namespace cairn::link

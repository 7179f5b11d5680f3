#include "proto/link/parse_cost.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/link/cost.h"
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

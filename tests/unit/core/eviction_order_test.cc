#include "core/eviction_order.h"

#include <gtest/gtest.h>

namespace cairn::core {
namespace {

const absl::Duration kFirst = absl::Seconds(100);
const absl::Duration kLater = kFirst + EvictionOrder::kLeastTime;

TEST(EvictionOrderTest, TheOldestOfTheAddressWithTheMostIsEvicted) {
  EvictionOrder order;
  order.Add(1, "alone", kFirst);
  order.Add(2, "many", kFirst);
  order.Add(3, "many", kFirst);
  EXPECT_EQ(order.Next(kLater, false), 2u);
  order.Remove(2);
  EXPECT_EQ(order.Next(kLater, false), 1u) << "of as many the oldest";
  EXPECT_EQ(order.size(), 2u);
}

TEST(EvictionOrderTest, NoneIsEvictedBeforeItsTime) {
  EvictionOrder order;
  EXPECT_EQ(order.Next(kLater, true), std::nullopt);
  order.Add(1, "a", kFirst);
  EXPECT_EQ(order.oldest(), kFirst);
  const absl::Duration early = kLater - absl::Milliseconds(1);
  EXPECT_EQ(order.Next(early, false), std::nullopt);
  EXPECT_EQ(order.Next(early, true), 1u) << "unless there is no descriptor left";
  EXPECT_EQ(order.Next(kLater, false), 1u);
}

TEST(EvictionOrderTest, TheYoungCountForTheirAddress) {
  EvictionOrder order;
  order.Add(1, "alone", kFirst);
  order.Add(2, "many", kFirst);
  order.Add(3, "many", kLater);
  EXPECT_EQ(order.Next(kLater, false), 2u);
  order.Remove(1);
  order.Remove(2);
  order.Remove(3);
  order.Remove(3);
  EXPECT_EQ(order.oldest(), std::nullopt);
}

}  // namespace
}  // namespace cairn::core

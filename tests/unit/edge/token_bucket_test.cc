#include "edge/token_bucket.h"

#include <gtest/gtest.h>

namespace cairn::edge {
namespace {

constexpr TokenBucket::Rate kRate = {200, 2000};
constexpr absl::Duration kStart = absl::Hours(1);

TEST(TokenBucket, IsFullAtFirstAndNeverHoldsMoreThanTheBurst) {
  TokenBucket bucket(kRate);
  EXPECT_EQ(bucket.Refill(kRate, kStart), 2000);
  EXPECT_EQ(bucket.Refill(kRate, kStart + absl::Hours(10)), 2000);
}

TEST(TokenBucket, EarnsTokensAtItsRate) {
  TokenBucket bucket(kRate);
  bucket.Refill(kRate, kStart);
  bucket.Take(2000);
  EXPECT_EQ(bucket.Refill(kRate, kStart), 0);
  EXPECT_EQ(bucket.Refill(kRate, kStart + absl::Milliseconds(500)), 100);
  EXPECT_EQ(bucket.Refill(kRate, kStart + absl::Seconds(1)), 200);
}

}  // namespace
}  // namespace cairn::edge

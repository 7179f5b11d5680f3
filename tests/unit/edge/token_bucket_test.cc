#include "edge/token_bucket.h"

#include <gtest/gtest.h>

namespace cairn::edge {
namespace {

constexpr TokenBucket::Rate kRate = {200, 2000};
constexpr absl::Duration kFilled = absl::Hours(1);

TEST(TokenBucket, IsFullAtFirstAndNeverHoldsMoreThanTheBurst) {
  TokenBucket bucket(kRate);
  EXPECT_EQ(bucket.Refill(kRate, kFilled), 2000);
  EXPECT_EQ(bucket.Refill(kRate, kFilled + absl::Hours(10)), 2000);
}

TEST(TokenBucket, EarnsTokensAtItsRate) {
  TokenBucket bucket(kRate);
  bucket.Refill(kRate, kFilled);
  bucket.Take(2000);
  EXPECT_EQ(bucket.Refill(kRate, kFilled), 0);
  EXPECT_EQ(bucket.Refill(kRate, kFilled + absl::Milliseconds(500)), 100);
  EXPECT_EQ(bucket.Refill(kRate, kFilled + absl::Seconds(1)), 200);
}

}  // namespace
}  // namespace cairn::edge

#include "base/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cairn {
namespace {

using testing::ElementsAre;

constexpr std::array<int64_t, 3> kBounds = {10, 20, 50};

TEST(Histogram, ABoundBelongsToTheBucketBelowIt) {
  Histogram<kBounds> histogram;
  for (const int64_t value : {0, 10, 11, 20, 50, 51, 1'000'000}) histogram.Add(value);
  EXPECT_THAT(histogram.Values().buckets, ElementsAre(2, 2, 1, 2));
  EXPECT_EQ(histogram.Values().Count(), 7u);
  EXPECT_EQ(histogram.sum(), 1'000'142u);
}

TEST(Histogram, OneValueCanCountSeveralTimes) {
  Histogram<kBounds> histogram;
  histogram.Add(15, 4);
  EXPECT_EQ(histogram.bucket(1), 4u);
  EXPECT_EQ(histogram.sum(), 60u);
}

TEST(Histogram, ValuesAddUp) {
  Histogram<kBounds> one, other;
  one.Add(5);
  other.Add(5);
  other.Add(99);
  HistogramValues sum;
  EXPECT_EQ(sum.Count(), 0u);
  sum.Add(one.Values());
  sum.Add(other.Values());
  EXPECT_THAT(sum.buckets, ElementsAre(2, 0, 0, 1));
  EXPECT_THAT(sum.bounds, ElementsAre(10, 20, 50));
  EXPECT_EQ(sum.sum, 109u);
}

TEST(Histogram, AnEmptyOneHasItsBuckets) {
  EXPECT_THAT(Histogram<kBounds>().Values().buckets, ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace cairn

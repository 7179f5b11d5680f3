#include "edge/backoff.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace cairn::edge {
namespace {

constexpr absl::Duration kFirst = absl::Milliseconds(50);
constexpr absl::Duration kCap = absl::Seconds(2);

std::vector<absl::Duration> Waits(Backoff& backoff, int n) {
  std::vector<absl::Duration> waits;
  for (int i = 0; i < n; ++i) waits.push_back(backoff.Next());
  return waits;
}

TEST(Backoff, WaitsBetweenHalfAndAllOfADoublingTimeUpToTheCap) {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    Backoff backoff(kFirst, kCap, seed * 0x9e3779b97f4a7c15u);
    absl::Duration most = kFirst;
    for (int i = 0; i < 12; ++i) {
      const absl::Duration wait = backoff.Next();
      EXPECT_GE(wait, most / 2) << "try " << i;
      EXPECT_LE(wait, most) << "try " << i;
      most = std::min(most * 2, kCap);
    }
  }
}

TEST(Backoff, ResetStartsOver) {
  Backoff backoff(kFirst, kCap, 1);
  Waits(backoff, 10);
  backoff.Reset();
  EXPECT_LE(backoff.Next(), kFirst);
  EXPECT_GE(backoff.Next(), kFirst);
}

TEST(Backoff, TheSameSeedWaitsTheSame) {
  Backoff one(kFirst, kCap, 7);
  Backoff other(kFirst, kCap, 7);
  EXPECT_EQ(Waits(one, 20), Waits(other, 20));
}

TEST(Backoff, SeedsSpreadTheWaits) {
  // Of a thousand edges that lost their core together, few come back in the same millisecond.
  std::set<int64_t> milliseconds;
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    Backoff backoff(absl::Seconds(2), absl::Seconds(2), seed * 0x9e3779b97f4a7c15u);
    milliseconds.insert(absl::ToInt64Milliseconds(backoff.Next()));
  }
  EXPECT_GT(milliseconds.size(), 500u);
  EXPECT_LT(*milliseconds.begin(), 1050);
  EXPECT_GT(*milliseconds.rbegin(), 1950);
}

TEST(Backoff, JitterGoesOnAtTheCap) {
  Backoff backoff(kFirst, kCap, 3);
  Waits(backoff, 10);
  const std::vector<absl::Duration> waits = Waits(backoff, 10);
  EXPECT_GT(std::set<absl::Duration>(waits.begin(), waits.end()).size(), 5u);
}

TEST(Backoff, FirstMayBeTheCap) {
  Backoff backoff(kCap, kCap, 5);
  for (const absl::Duration wait : Waits(backoff, 5)) EXPECT_LE(wait, kCap);
}

TEST(BackoffDeathTest, NeedsAPositiveFirstWaitBelowTheCap) {
  EXPECT_DEATH(Backoff(absl::ZeroDuration(), kCap, 1), "broken invariant");
  EXPECT_DEATH(Backoff(kCap + absl::Nanoseconds(1), kCap, 1), "broken invariant");
}

}  // namespace
}  // namespace cairn::edge

#include "core/relay_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace cairn::core {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<uint64_t> Pairs(RelayLedger& ledger) {
  google::protobuf::RepeatedField<uint64_t> pairs;
  ledger.TakeSettled(&pairs);
  return {pairs.begin(), pairs.end()};
}

TEST(RelayLedger, ARelayWithoutTargetsIsSettledAtOnce) {
  RelayLedger ledger;
  ledger.Routed(7, 0);
  EXPECT_FALSE(ledger.open());
  EXPECT_EQ(ledger.untold(), 1u);
  EXPECT_THAT(Pairs(ledger), ElementsAre(7, 7));
  EXPECT_EQ(ledger.untold(), 0u);
  EXPECT_THAT(Pairs(ledger), IsEmpty());
}

TEST(RelayLedger, ARelayIsSettledWhenEveryTargetIsDoneWithIt) {
  RelayLedger ledger;
  ledger.Routed(1, 3);
  for (int target = 0; target < 2; ++target) {
    ledger.Settle(1);
    EXPECT_EQ(ledger.untold(), 0u);
    EXPECT_TRUE(ledger.open());
  }
  ledger.Settle(1);
  EXPECT_FALSE(ledger.open());
  EXPECT_THAT(Pairs(ledger), ElementsAre(1, 1));
}

TEST(RelayLedger, EachRelayIsSettledIndependently) {
  RelayLedger ledger;
  for (uint64_t seq = 1; seq <= 5; ++seq) ledger.Routed(seq, 1);
  for (const uint64_t seq : {2u, 3u, 5u}) ledger.Settle(seq);
  EXPECT_THAT(Pairs(ledger), ElementsAre(2, 3, 5, 5)) << "the first is stuck, the others are not";
  EXPECT_TRUE(ledger.open());
  ledger.Settle(4);
  ledger.Settle(1);
  EXPECT_THAT(Pairs(ledger), ElementsAre(4, 4, 1, 1));
  EXPECT_FALSE(ledger.open());
}

TEST(RelayLedger, AnAnswerTooManyChangesNothing) {
  RelayLedger ledger;
  ledger.Routed(3, 1);
  ledger.Routed(5, 1);
  ledger.Settle(5);
  for (const uint64_t seq : {5u, 4u, 1u, 9u}) ledger.Settle(seq);
  EXPECT_THAT(Pairs(ledger), ElementsAre(5, 5));
  EXPECT_TRUE(ledger.open());
}

TEST(RelayLedger, NumbersThatFollowOnEachOtherAreOnePair) {
  RelayLedger ledger;
  for (uint64_t seq = 1; seq <= 1000; ++seq) ledger.Routed(seq, seq % 2);
  for (uint64_t seq = 1; seq <= 1000; seq += 2) ledger.Settle(seq);
  EXPECT_EQ(ledger.untold(), 1000u);
  RelayLedger in_order;
  for (uint64_t seq = 1; seq <= 1000; ++seq) in_order.Routed(seq, 1);
  for (uint64_t seq = 1; seq <= 1000; ++seq) in_order.Settle(seq);
  EXPECT_THAT(Pairs(in_order), ElementsAre(1, 1000));
}

TEST(RelayLedger, AsATargetItAnswersForTheOldest) {
  RelayLedger ledger;
  for (uint64_t n = 1; n <= 3; ++n) ledger.Sent({n * 10, 1, n});
  std::vector<std::string> settled;
  const auto settle = [&](const RelayLedger::Owed& owed) {
    settled.push_back(std::to_string(owed.origin_lane) + ":" + std::to_string(owed.origin_seq));
  };
  ledger.Answered(2, settle);
  EXPECT_THAT(settled, ElementsAre("10:1", "20:2"));
  EXPECT_EQ(ledger.owed(), 1u);
  ledger.Answered(5, settle);
  EXPECT_EQ(settled.back(), "30:3");
  EXPECT_EQ(ledger.owed(), 0u);
}

TEST(RelayLedger, RandomAnswersSettleEveryRelayOnce) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    RelayLedger ledger;
    std::map<uint64_t, uint32_t> open;
    std::set<uint64_t> told;
    uint64_t last = 0;
    const auto take = [&] {
      const std::vector<uint64_t> pairs = Pairs(ledger);
      for (size_t i = 0; i < pairs.size(); i += 2) {
        for (uint64_t seq = pairs[i]; seq <= pairs[i + 1]; ++seq) {
          ASSERT_FALSE(open.contains(seq)) << "it waits for a target";
          ASSERT_TRUE(told.insert(seq).second) << "told twice";
        }
      }
    };
    std::set<uint64_t> routed;
    for (int step = 0; step < 300 || !open.empty(); ++step) {
      if (step < 300 && random() % 2 == 0) {
        last += 1 + random() % 3;
        const auto targets = static_cast<uint32_t>(random() % 4);
        ledger.Routed(last, targets);
        routed.insert(last);
        if (targets > 0) open[last] = targets;
      } else if (!open.empty()) {
        const auto it = std::next(open.begin(), static_cast<ptrdiff_t>(random() % open.size()));
        ledger.Settle(it->first);
        if (--it->second == 0) open.erase(it);
      }
      if (random() % 10 == 0) take();
    }
    take();
    EXPECT_EQ(told, routed);
    EXPECT_FALSE(ledger.open());
  }
}

}  // namespace
}  // namespace cairn::core

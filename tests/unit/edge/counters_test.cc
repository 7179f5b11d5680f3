#include "edge/counters.h"

#include <gtest/gtest.h>

#include "edge/edge_snapshot.h"

namespace cairn::edge {
namespace {

TEST(MessageForm, HasANameThatOperatorsKnow) {
  EXPECT_STREQ(Name(MessageForm::kCbor), "cbor");
  EXPECT_STREQ(Name(MessageForm::kCborV2), "cbor-v2");
  EXPECT_STREQ(Name(MessageForm::kJson), "json");
}

TEST(EdgeSnapshot, SumsTheCountersOfLoops) {
  EdgeCounters one, other;
  one.CountIn(MessageForm::kCbor, 10);
  one.CountIn(MessageForm::kJson, 5);
  other.CountIn(MessageForm::kCbor, 100);
  other.CountOut(MessageForm::kCborV2, 7);
  one.Count(CloseReason::kSlowReader);
  other.Count(CloseReason::kSlowReader);
  other.CountRefusal(CloseReason::kUnauthorized);
  one.Count(DropReason::kTooDeep);
  one.relay_latency.Add(60);
  other.relay_latency.Add(1'000'000'000, 2);
  EdgeSnapshot sum;
  sum.Add(one);
  sum.Add(other);
  EXPECT_EQ(one.messages_in(), 2u);
  EXPECT_EQ(sum.in[0].messages, 2u);
  EXPECT_EQ(sum.in[0].bytes, 110u);
  EXPECT_EQ(sum.in[2].bytes, 5u);
  EXPECT_EQ(sum.out[1].messages, 1u);
  EXPECT_EQ(sum.closes[static_cast<size_t>(CloseReason::kSlowReader)], 2u);
  EXPECT_EQ(sum.refusals[static_cast<size_t>(CloseReason::kUnauthorized)], 1u);
  EXPECT_EQ(sum.drops[static_cast<size_t>(DropReason::kTooDeep)], 1u);
  EXPECT_EQ(sum.relay_latency_us.buckets[1], 1u);
  EXPECT_EQ(sum.relay_latency_us.buckets.back(), 2u);
}

TEST(EdgeSnapshot, SumsTheGaugesOfLoopsAndKeepsTheLongestQueue) {
  EdgeGauges one, other;
  one.connections.Set(3);
  other.connections.Set(4);
  one.queued_bytes.Set(100);
  one.max_queued_bytes.Set(90);
  other.queued_bytes.Set(60);
  other.max_queued_bytes.Set(60);
  EdgeSnapshot sum;
  sum.Add(one);
  sum.Add(other);
  EXPECT_EQ(sum.connections, 7u);
  EXPECT_EQ(sum.queued_bytes, 160u);
  EXPECT_EQ(sum.max_queued_bytes, 90u);
}

}  // namespace
}  // namespace cairn::edge

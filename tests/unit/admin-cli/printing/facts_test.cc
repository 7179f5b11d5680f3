#include "admin-cli/printing/facts.h"

#include <gtest/gtest.h>

namespace cairn::admin {
namespace {

TEST(FactsTest, ValuesLineUpAndContinueBelowThemselves) {
  Facts facts;
  facts.Add("id", "00ff");
  facts.Add("topics", "a");
  facts.Add("", "b\n");
  EXPECT_EQ(facts.ToString(Style()),
            "id      00ff\n"
            "topics  a\n"
            "        b\\x0a\n");
}

TEST(FactsTest, LongValuesAreBrokenAtBlanksToFitTheTerminal) {
  Facts facts;
  facts.Add("peers", "60 on 2 edges (4 lanes)");
  facts.Add("topic", "abcdefghijklmnopqrstuvwxyz");
  Style style;
  style.width = 20;
  EXPECT_EQ(facts.ToString(style),
            "peers  60 on 2 edges\n"
            "       (4 lanes)\n"
            "topic  abcdefghijklm\n"
            "       nopqrstuvwxyz\n");
}

TEST(FactsTest, ReasonsAreTheMostFrequentFirst) {
  google::protobuf::RepeatedPtrField<signaling::v1::ReasonCount> reasons;
  EXPECT_EQ(HumaneReasons(reasons), "none");
  const std::pair<const char*, uint64_t> counts[] = {
      {"client_gone", 2}, {"draining", 0}, {"slow_reader", 1200}};
  for (const auto& [name, count] : counts) {
    signaling::v1::ReasonCount& reason = *reasons.Add();
    reason.set_reason(name);
    reason.set_count(count);
  }
  EXPECT_EQ(HumaneReasons(reasons), "slow_reader 1,200, client_gone 2");
}

}  // namespace
}  // namespace cairn::admin

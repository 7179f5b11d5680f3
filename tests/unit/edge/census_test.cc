#include "edge/census.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace cairn::edge {
namespace {

EdgeLimits Limits(size_t connections, size_t per_ip, size_t refusals) {
  EdgeLimits limits;
  limits.max_connections = connections;
  limits.max_connections_per_ip = per_ip;
  limits.max_refusals = refusals;
  return limits;
}

// From accept to the end of the upgrade.
Census::Verdict Come(Census& census, const std::string& host) {
  Census::Verdict verdict = census.Enter(host);
  if (!verdict.refusal) census.Admit(host, verdict);
  return verdict;
}

TEST(Census, AdmitsExactlyMaxConnections) {
  Census census(Limits(2, 0, 10));
  EXPECT_TRUE(Come(census, "a").admitted);
  EXPECT_TRUE(Come(census, "b").admitted);
  EXPECT_EQ(Come(census, "c").refusal, CloseReason::kEdgeFull);
  EXPECT_EQ(census.connections(), 3u);
}

TEST(Census, WhoSaysNothingTakesNoPlaceOfWhoIsAdmitted) {
  Census census(Limits(2, 0, 10));
  std::vector<Census::Verdict> silent;
  for (int i = 0; i < 100; ++i) silent.push_back(census.Enter("silent"));
  EXPECT_TRUE(Come(census, "a").admitted);
  EXPECT_TRUE(Come(census, "b").admitted);
  for (Census::Verdict& verdict : silent) {
    EXPECT_FALSE(verdict.refusal);
    census.Leave(verdict);
  }
  EXPECT_EQ(census.connections(), 2u);
}

TEST(Census, WhoLeavesMakesRoom) {
  Census census(Limits(1, 0, 10));
  census.Leave(Come(census, "a"));
  EXPECT_EQ(census.connections(), 0u);
  EXPECT_TRUE(Come(census, "b").admitted);
}

TEST(Census, ARefusedConnectionThatLeavesMakesNoRoomForAnAdmittedOne) {
  Census census(Limits(1, 0, 10));
  Come(census, "a");
  census.Leave(Come(census, "b"));
  EXPECT_EQ(census.connections(), 1u);
  EXPECT_EQ(Come(census, "c").refusal, CloseReason::kEdgeFull);
}

TEST(Census, HoldsEachAddressAgainstItsOwnLimitFromAcceptOn) {
  Census census(Limits(10, 2, 10));
  const Census::Verdict first = Come(census, "a");
  EXPECT_TRUE(first.admitted);
  census.Enter("a");
  EXPECT_EQ(census.Enter("a").refusal, CloseReason::kAddressFull);
  EXPECT_TRUE(Come(census, "b").admitted);
  census.Leave(first);
  EXPECT_TRUE(Come(census, "a").admitted);
  EXPECT_EQ(census.Enter("a").refusal, CloseReason::kAddressFull);
}

TEST(Census, ARefusedConnectionNoLongerCountsForItsAddressOnceItHasLeft) {
  Census census(Limits(1, 1, 10));
  Census::Verdict waiting = census.Enter("b");
  const Census::Verdict first = Come(census, "a");
  census.Admit("b", waiting);
  EXPECT_EQ(waiting.refusal, CloseReason::kEdgeFull);
  census.Leave(waiting);
  census.Leave(first);
  EXPECT_TRUE(Come(census, "b").admitted);
}

TEST(Census, ZeroPerAddressIsNoLimit) {
  Census census(Limits(100, 0, 10));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Come(census, "proxy").admitted);
}

TEST(Census, BeyondMaxRefusalsConnectionsAreTurnedAwayUncounted) {
  Census census(Limits(1, 0, 2));
  Come(census, "a");
  const Census::Verdict refused = Come(census, "b");
  EXPECT_FALSE(refused.overflow);
  EXPECT_FALSE(Come(census, "c").overflow);
  const Census::Verdict turned_away = census.Enter("d");
  EXPECT_TRUE(turned_away.overflow);
  EXPECT_EQ(census.connections(), 3u);
  census.Leave(turned_away);
  EXPECT_EQ(census.connections(), 3u);
  EXPECT_TRUE(census.Enter("e").overflow);
  census.Leave(refused);
  EXPECT_FALSE(Come(census, "f").overflow);
}

TEST(Census, WhoArrivedBeforeTheRefusalsWereTooManyIsTurnedAwayAllTheSame) {
  Census census(Limits(1, 0, 1));
  Census::Verdict b = census.Enter("b"), c = census.Enter("c");
  Come(census, "a");
  census.Admit("b", b);
  census.Admit("c", c);
  EXPECT_FALSE(b.overflow);
  EXPECT_TRUE(c.overflow);
  census.Leave(b);
  census.Leave(c);
  EXPECT_EQ(census.connections(), 1u);
}

TEST(Census, BehindAProxyTheAddressCountsOnceItIsKnown) {
  Census census(Limits(10, 1, 10));
  Census::Verdict first = census.Enter(""), second = census.Enter("");
  census.Admit("a", first);
  EXPECT_TRUE(first.admitted);
  census.Admit("a", second);
  EXPECT_EQ(second.refusal, CloseReason::kAddressFull);
  EXPECT_EQ(census.Enter("a").refusal, CloseReason::kAddressFull);
  // The second was never counted under its address.
  census.Leave(second);
  EXPECT_EQ(census.Enter("a").refusal, CloseReason::kAddressFull);
  census.Leave(first);
  EXPECT_TRUE(Come(census, "a").admitted);
}

TEST(Census, CountsToZeroWhenLoopsEnterAndLeaveTogether) {
  Census census(Limits(8, 3, 4));
  const auto visit = [&census](const std::string& host) {
    for (int i = 0; i < 2000; ++i) {
      std::vector<Census::Verdict> verdicts;
      for (int n = 0; n < 5; ++n)
        verdicts.push_back(n % 2 ? census.Enter(host) : Come(census, host));
      for (const Census::Verdict& verdict : verdicts) census.Leave(verdict);
    }
  };
  std::thread other(visit, "a");
  visit("b");
  other.join();
  EXPECT_EQ(census.connections(), 0u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Come(census, "a").admitted);
    EXPECT_TRUE(Come(census, "b").admitted);
  }
  EXPECT_EQ(Come(census, "a").refusal, CloseReason::kAddressFull);
}

}  // namespace
}  // namespace cairn::edge

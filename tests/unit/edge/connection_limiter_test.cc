#include "edge/connection_limiter.h"

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
ConnectionLimiter::Verdict Come(ConnectionLimiter& census, const std::string& host) {
  ConnectionLimiter::Verdict verdict = census.Enter(host);
  if (!verdict.refusal) census.Admit(host, verdict);
  return verdict;
}

TEST(ConnectionLimiter, AdmitsExactlyMaxConnections) {
  ConnectionLimiter census(Limits(2, 0, 10));
  EXPECT_TRUE(Come(census, "a").admitted);
  EXPECT_TRUE(Come(census, "b").admitted);
  EXPECT_EQ(Come(census, "c").refusal, CloseReason::kEdgeFull);
  EXPECT_EQ(census.connections(), 3u);
}

TEST(ConnectionLimiter, SilentConnectionsTakeNoPlaceOfAdmittedOnes) {
  ConnectionLimiter census(Limits(2, 0, 10));
  std::vector<ConnectionLimiter::Verdict> silent;
  for (int i = 0; i < 100; ++i) silent.push_back(census.Enter("silent"));
  EXPECT_TRUE(Come(census, "a").admitted);
  EXPECT_TRUE(Come(census, "b").admitted);
  for (ConnectionLimiter::Verdict& verdict : silent) {
    EXPECT_FALSE(verdict.refusal);
    census.Leave(verdict);
  }
  EXPECT_EQ(census.connections(), 2u);
}

TEST(ConnectionLimiter, AClosedConnectionMakesRoom) {
  ConnectionLimiter census(Limits(1, 0, 10));
  census.Leave(Come(census, "a"));
  EXPECT_EQ(census.connections(), 0u);
  EXPECT_TRUE(Come(census, "b").admitted);
}

TEST(ConnectionLimiter, ARefusedConnectionThatLeavesMakesNoRoomForAnAdmittedOne) {
  ConnectionLimiter census(Limits(1, 0, 10));
  Come(census, "a");
  census.Leave(Come(census, "b"));
  EXPECT_EQ(census.connections(), 1u);
  EXPECT_EQ(Come(census, "c").refusal, CloseReason::kEdgeFull);
}

TEST(ConnectionLimiter, HoldsEachAddressAgainstItsOwnLimitFromAcceptOn) {
  ConnectionLimiter census(Limits(10, 2, 10));
  const ConnectionLimiter::Verdict first = Come(census, "a");
  EXPECT_TRUE(first.admitted);
  census.Enter("a");
  EXPECT_EQ(census.Enter("a").refusal, CloseReason::kAddressFull);
  EXPECT_TRUE(Come(census, "b").admitted);
  census.Leave(first);
  EXPECT_TRUE(Come(census, "a").admitted);
  EXPECT_EQ(census.Enter("a").refusal, CloseReason::kAddressFull);
}

TEST(ConnectionLimiter, ARefusedConnectionNoLongerCountsForItsAddressOnceItHasLeft) {
  ConnectionLimiter census(Limits(1, 1, 10));
  ConnectionLimiter::Verdict waiting = census.Enter("b");
  const ConnectionLimiter::Verdict first = Come(census, "a");
  census.Admit("b", waiting);
  EXPECT_EQ(waiting.refusal, CloseReason::kEdgeFull);
  census.Leave(waiting);
  census.Leave(first);
  EXPECT_TRUE(Come(census, "b").admitted);
}

TEST(ConnectionLimiter, ZeroPerAddressIsNoLimit) {
  ConnectionLimiter census(Limits(100, 0, 10));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Come(census, "proxy").admitted);
}

TEST(ConnectionLimiter, BeyondMaxRefusalsConnectionsAreTurnedAwayUncounted) {
  ConnectionLimiter census(Limits(1, 0, 2));
  Come(census, "a");
  const ConnectionLimiter::Verdict refused = Come(census, "b");
  EXPECT_FALSE(refused.overflow);
  EXPECT_FALSE(Come(census, "c").overflow);
  const ConnectionLimiter::Verdict turned_away = census.Enter("d");
  EXPECT_TRUE(turned_away.overflow);
  EXPECT_EQ(census.connections(), 3u);
  census.Leave(turned_away);
  EXPECT_EQ(census.connections(), 3u);
  EXPECT_TRUE(census.Enter("e").overflow);
  census.Leave(refused);
  EXPECT_FALSE(Come(census, "f").overflow);
}

TEST(ConnectionLimiter, AConnectionFromBeforeTheRefusalsWereTooManyIsTurnedAwayToo) {
  ConnectionLimiter census(Limits(1, 0, 1));
  ConnectionLimiter::Verdict b = census.Enter("b"), c = census.Enter("c");
  Come(census, "a");
  census.Admit("b", b);
  census.Admit("c", c);
  EXPECT_FALSE(b.overflow);
  EXPECT_TRUE(c.overflow);
  census.Leave(b);
  census.Leave(c);
  EXPECT_EQ(census.connections(), 1u);
}

TEST(ConnectionLimiter, BehindAProxyTheAddressIsCountedOnceItIsKnown) {
  ConnectionLimiter census(Limits(10, 1, 10));
  ConnectionLimiter::Verdict first = census.Enter(""), second = census.Enter("");
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

TEST(ConnectionLimiter, CountsToZeroWhenLoopsEnterAndLeaveTogether) {
  ConnectionLimiter census(Limits(8, 3, 4));
  const auto visit = [&census](const std::string& host) {
    for (int i = 0; i < 2000; ++i) {
      std::vector<ConnectionLimiter::Verdict> verdicts;
      for (int n = 0; n < 5; ++n)
        verdicts.push_back(n % 2 ? census.Enter(host) : Come(census, host));
      for (const ConnectionLimiter::Verdict& verdict : verdicts) census.Leave(verdict);
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

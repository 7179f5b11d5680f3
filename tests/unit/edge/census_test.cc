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

bool Admitted(const Census::Verdict& verdict) { return !verdict.overflow && !verdict.refusal; }

TEST(Census, AdmitsExactlyMaxConnections) {
  Census census(Limits(2, 0, 10));
  EXPECT_TRUE(Admitted(census.Enter("a")));
  EXPECT_TRUE(Admitted(census.Enter("b")));
  EXPECT_EQ(census.Enter("c").refusal, CloseReason::kEdgeFull);
  EXPECT_EQ(census.connections(), 3u);
}

TEST(Census, WhoLeavesMakesRoom) {
  Census census(Limits(1, 0, 10));
  const Census::Verdict first = census.Enter("a");
  census.Leave("a", first);
  EXPECT_EQ(census.connections(), 0u);
  EXPECT_TRUE(Admitted(census.Enter("b")));
}

TEST(Census, ARefusedConnectionThatLeavesMakesNoRoomForAnAdmittedOne) {
  Census census(Limits(1, 0, 10));
  census.Enter("a");
  const Census::Verdict refused = census.Enter("b");
  census.Leave("b", refused);
  EXPECT_EQ(census.connections(), 1u);
  EXPECT_EQ(census.Enter("c").refusal, CloseReason::kEdgeFull);
}

TEST(Census, HoldsEachAddressAgainstItsOwnLimit) {
  Census census(Limits(10, 2, 10));
  const Census::Verdict first = census.Enter("a");
  EXPECT_TRUE(Admitted(first));
  EXPECT_TRUE(Admitted(census.Enter("a")));
  EXPECT_EQ(census.Enter("a").refusal, CloseReason::kAddressFull);
  EXPECT_TRUE(Admitted(census.Enter("b")));
  census.Leave("a", first);
  EXPECT_TRUE(Admitted(census.Enter("a")));
  EXPECT_EQ(census.Enter("a").refusal, CloseReason::kAddressFull);
}

TEST(Census, ZeroPerAddressIsNoLimit) {
  Census census(Limits(100, 0, 10));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Admitted(census.Enter("proxy")));
}

TEST(Census, AFullEdgeIsTheReasonEvenWhereTheAddressIsFullToo) {
  Census census(Limits(1, 1, 10));
  census.Enter("a");
  EXPECT_EQ(census.Enter("a").refusal, CloseReason::kEdgeFull);
}

TEST(Census, BeyondMaxRefusalsConnectionsAreTurnedAwayUncounted) {
  Census census(Limits(1, 0, 2));
  census.Enter("a");
  const Census::Verdict refused = census.Enter("b");
  EXPECT_FALSE(refused.overflow);
  EXPECT_FALSE(census.Enter("c").overflow);
  const Census::Verdict turned_away = census.Enter("d");
  EXPECT_TRUE(turned_away.overflow);
  EXPECT_EQ(census.connections(), 3u);
  census.Leave("d", turned_away);
  EXPECT_EQ(census.connections(), 3u);
  EXPECT_TRUE(census.Enter("e").overflow);
  census.Leave("b", refused);
  EXPECT_FALSE(census.Enter("f").overflow);
}

TEST(Census, BehindAProxyTheAddressCountsOnceItIsKnown) {
  Census census(Limits(10, 1, 10));
  const Census::Verdict first = census.Enter("");
  const Census::Verdict second = census.Enter("");
  EXPECT_TRUE(Admitted(first) && Admitted(second));
  EXPECT_TRUE(census.Identify("a"));
  EXPECT_FALSE(census.Identify("a"));
  EXPECT_EQ(census.Enter("a").refusal, CloseReason::kAddressFull);
  // The second was never counted under its address.
  census.Leave("", second);
  EXPECT_FALSE(census.Identify("a"));
  census.Leave("a", first);
  EXPECT_TRUE(census.Identify("a"));
}

TEST(Census, CountsToZeroWhenLoopsEnterAndLeaveTogether) {
  Census census(Limits(8, 3, 4));
  const auto visit = [&census](const std::string& host) {
    for (int i = 0; i < 2000; ++i) {
      std::vector<Census::Verdict> verdicts;
      for (int n = 0; n < 5; ++n) verdicts.push_back(census.Enter(host));
      for (const Census::Verdict& verdict : verdicts) census.Leave(host, verdict);
    }
  };
  std::thread other(visit, "a");
  visit("b");
  other.join();
  EXPECT_EQ(census.connections(), 0u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Admitted(census.Enter("a")));
    EXPECT_TRUE(Admitted(census.Enter("b")));
  }
  EXPECT_EQ(census.Enter("a").refusal, CloseReason::kAddressFull);
}

}  // namespace
}  // namespace cairn::edge

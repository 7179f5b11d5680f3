#include "edge/core_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace cairn::edge {
namespace {

using testing::ElementsAre;

std::vector<CoreTarget> Targets(const std::vector<std::string>& texts) {
  std::vector<CoreTarget> targets;
  for (const std::string& text : texts) targets.push_back(*CoreTarget::Parse(text));
  return targets;
}

std::vector<std::string> Names(const std::vector<CoreTarget>& targets) {
  std::vector<std::string> names;
  for (const CoreTarget& target : targets) names.push_back(target.Authority());
  return names;
}

std::vector<std::string> Sorted(const CoreOrder& order, const std::vector<std::string>& texts) {
  std::vector<SocketAddress> addresses;
  for (const std::string& text : texts) addresses.push_back(*SocketAddress::Parse(text));
  std::vector<std::string> sorted;
  for (const SocketAddress& address : order.Of(addresses)) sorted.push_back(address.ToString());
  return sorted;
}

TEST(CoreOrderTest, OrderedIsAsWritten) {
  const CoreOrder order(CoreChoice::kOrdered, "edge-1");
  EXPECT_THAT(Names(order.Of(Targets({"b:1", "a:1", "c:1"}))), ElementsAre("b:1", "a:1", "c:1"));
}

TEST(CoreOrderTest, SpreadSharesEdgesOutEvenlyHoweverTheListIsWritten) {
  std::map<std::string, int> first, second;
  for (int i = 0; i < 3000; ++i) {
    const CoreOrder order(CoreChoice::kSpread, "edge-" + std::to_string(i));
    const std::vector<std::string> names = Names(order.Of(Targets({"a:1", "b:1", "c:1"})));
    EXPECT_EQ(names, Names(order.Of(Targets({"c:1", "b:1", "a:1"}))));
    ++first[names[0]];
    if (names[0] == "a:1") ++second[names[1]];
  }
  for (const auto& [name, edges] : first) EXPECT_NEAR(edges, 1000, 120) << name;
  for (const auto& [name, edges] : second) EXPECT_NEAR(edges, 500, 90) << name;
  EXPECT_EQ(first.size(), 3u);
}

// Otherwise each core that comes or goes would move nearly all edges.
TEST(CoreOrderTest, WithoutACoreTheOtherEdgesKeepTheirs) {
  for (int i = 0; i < 100; ++i) {
    const CoreOrder order(CoreChoice::kSpread, "edge-" + std::to_string(i));
    std::vector<std::string> all = Names(order.Of(Targets({"a:1", "b:1", "c:1"})));
    std::erase(all, "b:1");
    EXPECT_EQ(all, Names(order.Of(Targets({"a:1", "c:1"}))));
  }
}

TEST(CoreOrderTest, AddressesOfANameAreOrderedAscendingWhateverTheResolverSays) {
  EXPECT_THAT(Sorted(CoreOrder(), {"10.0.0.10:7", "10.0.0.9:7", "9.0.0.1:7"}),
              ElementsAre("9.0.0.1:7", "10.0.0.9:7", "10.0.0.10:7"));
}

TEST(CoreOrderTest, FamiliesTakeTurnsBeginningWithTheResolversFirst) {
  EXPECT_THAT(Sorted(CoreOrder(), {"[2001:db8::2]:7", "10.0.0.1:7", "[2001:db8::1]:7"}),
              ElementsAre("[2001:db8::1]:7", "10.0.0.1:7", "[2001:db8::2]:7"));
  EXPECT_THAT(Sorted(CoreOrder(), {"10.0.0.1:7", "[2001:db8::1]:7"}),
              ElementsAre("10.0.0.1:7", "[2001:db8::1]:7"));
}

TEST(CoreOrderTest, SpreadSharesOutTheAddressesOfANameToo) {
  std::map<std::string, int> first;
  for (int i = 0; i < 300; ++i) {
    const CoreOrder order(CoreChoice::kSpread, "edge-" + std::to_string(i));
    ++first[Sorted(order, {"10.0.0.1:7", "10.0.0.2:7", "10.0.0.3:7"})[0]];
  }
  for (const auto& [address, edges] : first) EXPECT_NEAR(edges, 100, 40) << address;
  EXPECT_EQ(first.size(), 3u);
}

}  // namespace
}  // namespace cairn::edge

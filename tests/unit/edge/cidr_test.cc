#include "edge/cidr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cairn::edge {
namespace {

using testing::HasSubstr;

CidrSet Set(std::string_view text) {
  absl::StatusOr<CidrSet> set = CidrSet::Parse(text);
  EXPECT_TRUE(set.ok()) << set.status();
  return set.ok() ? *std::move(set) : CidrSet();
}

bool Holds(std::string_view networks, std::string_view address) {
  const absl::StatusOr<SocketAddress> parsed = SocketAddress::Parse(address);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() && Set(networks).Contains(*parsed);
}

std::string ErrorFor(std::string_view text) {
  const absl::StatusOr<CidrSet> set = CidrSet::Parse(text);
  EXPECT_EQ(set.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(set.status().message());
}

TEST(CidrSet, HoldsTheAddressesOfEachOfItsNetworks) {
  constexpr std::string_view kList = "10.0.0.0/8,::1,192.0.2.7";
  EXPECT_EQ(Set(kList).size(), 3u);
  EXPECT_TRUE(Holds(kList, "10.0.0.0:1"));
  EXPECT_TRUE(Holds(kList, "10.255.255.255:1"));
  EXPECT_TRUE(Holds(kList, "[::1]:1"));
  EXPECT_TRUE(Holds(kList, "192.0.2.7:1"));
  EXPECT_FALSE(Holds(kList, "9.255.255.255:1"));
  EXPECT_FALSE(Holds(kList, "11.0.0.0:1"));
  EXPECT_FALSE(Holds(kList, "192.0.2.6:1"));
  EXPECT_FALSE(Holds(kList, "[::2]:1"));
}

TEST(CidrSet, PrefixesNeedNotEndAtAByte) {
  EXPECT_TRUE(Holds("172.16.0.0/12", "172.31.255.255:1"));
  EXPECT_FALSE(Holds("172.16.0.0/12", "172.32.0.0:1"));
  EXPECT_TRUE(Holds("192.0.2.2/31", "192.0.2.3:1"));
  EXPECT_FALSE(Holds("192.0.2.2/31", "192.0.2.4:1"));
  EXPECT_TRUE(Holds("2001:db8:8000::/33", "[2001:db8:ffff::1]:1"));
  EXPECT_FALSE(Holds("2001:db8:8000::/33", "[2001:db8:7fff::1]:1"));
  EXPECT_TRUE(Holds("fc00::/7", "[fd12:3456::1]:1"));
  EXPECT_FALSE(Holds("fc00::/7", "[fe80::1]:1"));
}

TEST(CidrSet, EveryPrefixLengthHoldsItsOwnAddressAndNotTheNeighbour) {
  for (int prefix = 1; prefix <= 32; ++prefix) {
    const std::string network = "0.0.0.0/" + std::to_string(prefix);
    EXPECT_TRUE(Holds(network, "0.0.0.0:1")) << network;
    const uint32_t beyond = uint32_t{1} << (32 - prefix);
    const std::string neighbour =
        std::to_string(beyond >> 24) + "." + std::to_string(beyond >> 16 & 255) + "." +
        std::to_string(beyond >> 8 & 255) + "." + std::to_string(beyond & 255) + ":1";
    EXPECT_FALSE(Holds(network, neighbour)) << network << " " << neighbour;
  }
  for (int prefix = 0; prefix <= 128; ++prefix) {
    EXPECT_TRUE(Holds("::/" + std::to_string(prefix), "[::]:1")) << prefix;
  }
}

TEST(CidrSet, PrefixOfZeroHoldsOneWholeFamily) {
  EXPECT_TRUE(Holds("0.0.0.0/0", "203.0.113.9:1"));
  EXPECT_FALSE(Holds("0.0.0.0/0", "[2001:db8::1]:1"));
  EXPECT_TRUE(Holds("::/0", "[2001:db8::1]:1"));
  EXPECT_FALSE(Holds("::/0", "203.0.113.9:1"));
  EXPECT_FALSE(Holds("::/0", "[::ffff:203.0.113.9]:1"));
}

TEST(CidrSet, MappedAddressIsTheIpv4Address) {
  EXPECT_TRUE(Holds("10.0.0.0/8", "[::ffff:10.1.2.3]:1"));
  EXPECT_FALSE(Holds("10.0.0.0/8", "[::ffff:11.1.2.3]:1"));
  EXPECT_TRUE(Holds("::ffff:10.0.0.0/104", "10.1.2.3:1"));
  EXPECT_TRUE(Holds("::ffff:192.0.2.7", "192.0.2.7:1"));
  EXPECT_TRUE(Holds("::ffff:0:0/96", "203.0.113.9:1"));
  // Deprecated "IPv4-compatible" addresses are not (RFC 4291 2.5.5.1).
  EXPECT_FALSE(Holds("10.0.0.0/8", "[::10.1.2.3]:1"));
}

TEST(CidrSet, PortDoesNotCount) {
  EXPECT_TRUE(Holds("192.0.2.7", "192.0.2.7:0"));
  EXPECT_TRUE(Holds("192.0.2.7", "192.0.2.7:65535"));
}

TEST(CidrSet, BlankTextIsTheEmptySetThatHoldsNothing) {
  EXPECT_TRUE(CidrSet().empty());
  EXPECT_TRUE(Set("").empty());
  EXPECT_TRUE(Set(" \t").empty());
  EXPECT_FALSE(Holds("", "127.0.0.1:1"));
}

TEST(CidrSet, AddressOfNoFamilyIsInNoNetwork) {
  EXPECT_FALSE(Set("0.0.0.0/0,::/0").Contains(SocketAddress()));
}

TEST(CidrSet, BlanksAroundEntriesAreAllowed) {
  EXPECT_TRUE(Holds(" 10.0.0.0/8 , ::1\n", "[::1]:1"));
}

TEST(CidrSet, ErrorNamesTheEntryThatIsNoAddress) {
  EXPECT_EQ(
      ErrorFor("10.0.0.0/8,proxy.example,::1"),
      "'proxy.example' is not an IP address or network (such as 192.0.2.7, 10.0.0.0/8 or ::1)");
  for (const std::string_view bad :
       {"10.0.0/8", "10.0.0.0.0", "010.0.0.1", "256.0.0.1", "/8", "[::1]", "::1::", "fe80::1%eth0",
        "10.0.0.1:80", "10.0.0.0 /8", "10.0.0.0-10.0.0.9", "1.2.3.4;5.6.7.8"}) {
    EXPECT_THAT(ErrorFor(bad), HasSubstr("is not an IP address")) << bad;
  }
  EXPECT_THAT(ErrorFor(std::string_view("10.0.0.1\0x", 10)), HasSubstr("is not an IP address"));
}

TEST(CidrSet, ErrorNamesTheRangeOfPrefixLengths) {
  EXPECT_EQ(ErrorFor("10.0.0.0/33"),
            "'10.0.0.0/33' needs a prefix length of 0 to 32 after the slash");
  EXPECT_EQ(ErrorFor("::/129"), "'::/129' needs a prefix length of 0 to 128 after the slash");
  for (const std::string_view bad :
       {"10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/-1", "10.0.0.0/ 8", "10.0.0.0/8/8",
        "10.0.0.0/255.0.0.0", "10.0.0.0/99999999999"}) {
    EXPECT_THAT(ErrorFor(bad), HasSubstr("needs a prefix length")) << bad;
  }
}

TEST(CidrSet, ErrorForBitsBeyondThePrefixSaysWhatToWriteInstead) {
  EXPECT_EQ(ErrorFor("10.0.0.1/8"),
            "'10.0.0.1/8' has address bits beyond its prefix: write 10.0.0.0/8 or 10.0.0.1");
  EXPECT_EQ(ErrorFor("2001:db8::1/32"),
            "'2001:db8::1/32' has address bits beyond its prefix: write 2001:db8::/32 or "
            "2001:db8::1");
  // A network that would hold only a part of what is mapped.
  EXPECT_THAT(ErrorFor("::ffff:10.0.0.0/95"), HasSubstr("write ::fffe:0:0/95 or"));
  EXPECT_THAT(ErrorFor("0.0.0.1/0"), HasSubstr("write 0.0.0.0/0 or 0.0.0.1"));
}

TEST(CidrSet, EmptyEntryIsAnError) {
  for (const std::string_view bad : {",", "10.0.0.0/8,", ",::1", "10.0.0.0/8, ,::1"}) {
    EXPECT_THAT(ErrorFor(bad), HasSubstr("has an empty entry")) << bad;
  }
}

TEST(CidrSet, TakesNoMoreNetworksThanItsBound) {
  std::string text = "10.0.0.0";
  for (size_t i = 1; i < CidrSet::kMaxNetworks; ++i) text += ",10.0.0.0";
  EXPECT_EQ(Set(text).size(), CidrSet::kMaxNetworks);
  EXPECT_EQ(ErrorFor(text + ",192.0.2.7"), "more than 1024 networks, from '192.0.2.7' on");
}

}  // namespace
}  // namespace cairn::edge

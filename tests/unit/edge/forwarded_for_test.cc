#include "edge/forwarded_for.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cairn::edge {
namespace {

constexpr std::string_view kTrusted = "10.0.0.0/8,fd00::/8,192.0.2.7";
constexpr std::string_view kProxy = "10.0.0.1:40000";

std::string ClientOf(const std::vector<std::string_view>& values, std::string_view peer = kProxy,
                     std::string_view trusted = kTrusted) {
  const absl::StatusOr<SocketAddress> address = SocketAddress::Parse(peer);
  const absl::StatusOr<CidrSet> set = CidrSet::Parse(trusted);
  EXPECT_TRUE(address.ok() && set.ok());
  return ForwardedClient(values, *address, *set).ToString();
}

TEST(ForwardedClient, IsTheAddressThatATrustedProxyAppended) {
  EXPECT_EQ(ClientOf({"203.0.113.9"}), "203.0.113.9:0");
}

TEST(ForwardedClient, HeaderOfAnUntrustedPeerIsNotBelieved) {
  EXPECT_EQ(ClientOf({"203.0.113.9"}, "198.51.100.1:5555"), "198.51.100.1:5555");
  EXPECT_EQ(ClientOf({"10.0.0.2"}, "198.51.100.1:5555"), "198.51.100.1:5555");
}

TEST(ForwardedClient, HeadersAreIgnoredWhenNoProxyIsTrusted) {
  EXPECT_EQ(ClientOf({"203.0.113.9"}, kProxy, ""), kProxy);
}

TEST(ForwardedClient, WithoutHeaderIsThePeer) { EXPECT_EQ(ClientOf({}), kProxy); }

TEST(ForwardedClient, AddressesThatTheClientItselfSentAreIgnored) {
  EXPECT_EQ(ClientOf({"127.0.0.1, 10.0.0.9, 203.0.113.9"}), "203.0.113.9:0");
  EXPECT_EQ(ClientOf({"garbage, 203.0.113.9"}), "203.0.113.9:0");
}

TEST(ForwardedClient, WalksOverAChainOfTrustedProxies) {
  EXPECT_EQ(ClientOf({"1.1.1.1, 203.0.113.9, 10.2.2.2, fd00::5, 192.0.2.7"}), "203.0.113.9:0");
}

TEST(ForwardedClient, SeveralHeadersAreOneListInTheirOrder) {
  EXPECT_EQ(ClientOf({"1.1.1.1", "203.0.113.9, 10.2.2.2", "10.3.3.3"}), "203.0.113.9:0");
  EXPECT_EQ(ClientOf({"10.3.3.3", "203.0.113.9"}), "203.0.113.9:0");
}

TEST(ForwardedClient, OfTrustedAddressesAloneIsTheFarthest) {
  EXPECT_EQ(ClientOf({"10.9.9.9, 10.2.2.2", "10.3.3.3"}), "10.9.9.9:0");
}

TEST(ForwardedClient, AnUnreadableEntryEndsTheWalkAtTheLastReadableOne) {
  EXPECT_EQ(ClientOf({"203.0.113.9, unknown, 10.2.2.2"}), "10.2.2.2:0");
  EXPECT_EQ(ClientOf({"203.0.113.9, unknown"}), kProxy);
  EXPECT_EQ(ClientOf({"203.0.113.9", "_hidden", "10.2.2.2:7"}), "10.2.2.2:7");
}

TEST(ForwardedClient, EmptyEntryEndsTheWalkToo) {
  EXPECT_EQ(ClientOf({""}), kProxy);
  EXPECT_EQ(ClientOf({"203.0.113.9,"}), kProxy);
  EXPECT_EQ(ClientOf({"203.0.113.9", " \t"}), kProxy);
  EXPECT_EQ(ClientOf({"203.0.113.9,,10.2.2.2"}), "10.2.2.2:0");
  EXPECT_EQ(ClientOf({"203.0.113.9", "", "10.2.2.2"}), "10.2.2.2:0");
}

TEST(ForwardedClient, EntriesMayHaveAPortAndBrackets) {
  EXPECT_EQ(ClientOf({"203.0.113.9:5555"}), "203.0.113.9:5555");
  EXPECT_EQ(ClientOf({"2001:db8::1"}), "[2001:db8::1]:0");
  EXPECT_EQ(ClientOf({"[2001:db8::1]"}), "[2001:db8::1]:0");
  EXPECT_EQ(ClientOf({"[2001:db8::1]:5555"}), "[2001:db8::1]:5555");
  EXPECT_EQ(ClientOf({"2001:db8:0:0:0:0:0:1"}), "[2001:db8::1]:0");
  EXPECT_EQ(ClientOf({"\t 203.0.113.9 ,10.0.0.2\t"}), "203.0.113.9:0");
  EXPECT_EQ(ClientOf({"::"}), "[::]:0");
}

TEST(ForwardedClient, MalformedEntriesAreNotAddresses) {
  for (const std::string_view bad : {"203.0.113",
                                     "203.0.113.9:",
                                     "203.0.113.9:65536",
                                     "203.0.113.9:x",
                                     ":80",
                                     "[2001:db8::1",
                                     "2001:db8::1]",
                                     "[2001:db8::1]:",
                                     "[2001:db8::1]x",
                                     "[203.0.113.9]",
                                     "[[::1]]",
                                     "[]",
                                     "[",
                                     "]",
                                     ":",
                                     "fe80::1%eth0",
                                     "\"203.0.113.9\"",
                                     "203.0.113.9 203.0.113.8",
                                     "0xcb007109",
                                     "for=203.0.113.9",
                                     "client.example",
                                     "unix:",
                                     "203.0.113.9:-1",
                                     "203.0.113.9:+1"}) {
    EXPECT_EQ(ClientOf({bad}), kProxy) << bad;
  }
  EXPECT_EQ(ClientOf({std::string_view("203.0.113.9\0", 12)}), kProxy);
  EXPECT_EQ(ClientOf({std::string(10'000, '1')}), kProxy);
}

TEST(ForwardedClient, MappedProxyAddressesAreTrustedAsIpv4) {
  EXPECT_EQ(ClientOf({"203.0.113.9, ::ffff:10.2.2.2"}, "[::ffff:10.0.0.1]:40000"), "203.0.113.9:0");
}

TEST(ForwardedClient, TheSourceOfAProxyHeaderReplacesThePeer) {
  // A balancer in front of an HTTP proxy names the proxy; in front of a client, the client.
  EXPECT_EQ(ClientOf({"203.0.113.9"}, "10.7.7.7:1"), "203.0.113.9:0");
  EXPECT_EQ(ClientOf({"1.1.1.1"}, "203.0.113.9:5555"), "203.0.113.9:5555");
}

}  // namespace
}  // namespace cairn::edge

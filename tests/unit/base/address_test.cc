#include "base/address.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
#include <string>

#include "base/unique_fd.h"

namespace cairn {
namespace {

using testing::HasSubstr;

SocketAddress Parsed(std::string_view text) {
  const absl::StatusOr<SocketAddress> address = SocketAddress::Parse(text);
  EXPECT_TRUE(address.ok()) << address.status();
  return address.value_or(SocketAddress());
}

TEST(SocketAddress, ReadsIpv4WithPort) {
  const SocketAddress address = Parsed("192.0.2.1:8080");
  EXPECT_EQ(address.family(), AF_INET);
  EXPECT_EQ(address.port(), 8080);
  EXPECT_EQ(address.Host(), "192.0.2.1");
  EXPECT_EQ(address.ToString(), "192.0.2.1:8080");
  EXPECT_EQ(address.size(), sizeof(sockaddr_in));
  sockaddr_in raw;
  std::memcpy(&raw, address.get(), sizeof raw);
  EXPECT_EQ(raw.sin_family, AF_INET);
  EXPECT_EQ(ntohl(raw.sin_addr.s_addr), 0xc0000201u);
  EXPECT_EQ(ntohs(raw.sin_port), 8080);
}

TEST(SocketAddress, ReadsIpv6InBracketsWithPort) {
  const SocketAddress address = Parsed("[2001:DB8:0::1]:443");
  EXPECT_EQ(address.family(), AF_INET6);
  EXPECT_EQ(address.port(), 443);
  EXPECT_EQ(address.Host(), "2001:db8::1");
  EXPECT_EQ(address.ToString(), "[2001:db8::1]:443");
  EXPECT_EQ(address.size(), sizeof(sockaddr_in6));
}

TEST(SocketAddress, ReadsBackWhatItHasWritten) {
  for (const char* text : {"0.0.0.0:0", "255.255.255.255:65535", "127.0.0.1:1", "[::]:0",
                           "[::1]:65535", "[2001:db8::1]:8080", "[::ffff:192.0.2.1]:80"}) {
    EXPECT_EQ(Parsed(text).ToString(), text);
  }
}

TEST(SocketAddress, PortsGoFromZeroTo65535) {
  EXPECT_EQ(Parsed("192.0.2.1:0").port(), 0);
  EXPECT_EQ(Parsed("192.0.2.1:65535").port(), 65535);
  EXPECT_EQ(Parsed("[::1]:0").port(), 0);
  EXPECT_EQ(Parsed("[::1]:65535").port(), 65535);
}

TEST(SocketAddress, RefusesEverythingButIpAndPort) {
  for (const char* text : {"",
                           ":",
                           ":80",
                           "80",
                           "192.0.2.1",
                           "192.0.2.1:",
                           "192.0.2.1:65536",
                           "192.0.2.1:99999999999",
                           "192.0.2.1:-1",
                           "192.0.2.1:+1",
                           "192.0.2.1: 1",
                           "192.0.2.1:1 ",
                           " 192.0.2.1:1",
                           "192.0.2.1:0x50",
                           "192.0.2.1:80a",
                           "192.0.2:80",
                           "192.0.2.1.5:80",
                           "192.0.2.256:80",
                           "192.0.2.1:80:90",
                           "localhost:80",
                           "example.org:443",
                           "*:80",
                           "::1:80",
                           "2001:db8::1",
                           "[::1]",
                           "[::1]80",
                           "[::1]:",
                           "[]:80",
                           "[:80",
                           "]:80",
                           "[::1:80",
                           "::1]:80",
                           "[192.0.2.1]:80",
                           "[[::1]]:80",
                           "[::g]:80",
                           "[1:2:3:4:5:6:7:8:9]:80",
                           "http://192.0.2.1:80",
                           "unix:/run/socket"}) {
    const absl::StatusOr<SocketAddress> address = SocketAddress::Parse(text);
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(SocketAddress, RefusesAnEmbeddedNul) {
  for (const std::string& text :
       {std::string("127.0.0.1\0:80", 13), std::string("127.0.0.1\0.evil:80", 18),
        std::string("[::1\0]:80", 9), std::string("[::1\0junk]:80", 13),
        std::string("\000127.0.0.1:80", 13), std::string("127.0.0.1:80\0", 13)}) {
    const absl::Status status = SocketAddress::Parse(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("\\0")) << "what is not seen is shown";
  }
}

TEST(SocketAddress, ErrorQuotesTheTextAndShowsAValidExample) {
  const absl::Status status = SocketAddress::Parse("localhost:80").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("'localhost:80'"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("0.0.0.0:8080"));
}

TEST(SocketAddress, KnowsLoopback) {
  for (const char* text : {"127.0.0.1:1", "127.255.0.9:1", "[::1]:1"}) {
    EXPECT_TRUE(Parsed(text).IsLoopback()) << text;
  }
  for (const char* text :
       {"0.0.0.0:1", "126.255.255.255:1", "128.0.0.1:1", "[::]:1", "[::2]:1", "[2001:db8::1]:1"}) {
    EXPECT_FALSE(Parsed(text).IsLoopback()) << text;
  }
}

TEST(SocketAddress, HasTheNetworkThatOnePersonMayHave) {
  EXPECT_EQ(Parsed("192.0.2.7:80").Network(), "192.0.2.7");
  EXPECT_EQ(Parsed("[::ffff:192.0.2.7]:80").Network(), "192.0.2.7");
  EXPECT_EQ(Parsed("[2001:db8:1:2:3:4:5:6]:80").Network(), "2001:db8:1:2::/64");
  EXPECT_EQ(Parsed("[2001:db8:1:2:ffff::1]:1").Network(), "2001:db8:1:2::/64");
  EXPECT_EQ(SocketAddress().Network(), "");
}

TEST(SocketAddress, DefaultIsNoAddress) {
  const SocketAddress address;
  EXPECT_EQ(address.size(), 0u);
  EXPECT_EQ(address.port(), 0);
  EXPECT_FALSE(address.IsLoopback());
  EXPECT_EQ(address.Host(), "");
}

TEST(SocketAddress, OfABoundSocketHasTheRealPort) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_TRUE(fd.valid());
  const SocketAddress wanted = Parsed("127.0.0.1:0");
  ASSERT_EQ(::bind(fd.get(), wanted.get(), wanted.size()), 0);
  const SocketAddress bound = SocketAddress::OfSocket(fd.get());
  EXPECT_EQ(bound.Host(), "127.0.0.1");
  EXPECT_NE(bound.port(), 0);
}

TEST(SocketAddress, OfAnInvalidSocketIsNoAddress) {
  EXPECT_EQ(SocketAddress::OfSocket(-1).size(), 0u);
}

TEST(SocketAddress, AnIpv4AddressInIpv6FormIsUnmapped) {
  EXPECT_EQ(SocketAddress::Parse("[::ffff:192.0.2.1]:80")->Unmapped().ToString(), "192.0.2.1:80");
  for (const char* text : {"[::1]:80", "192.0.2.1:80", "[2001:db8::ffff:102:304]:80", "[::]:80"})
    EXPECT_EQ(SocketAddress::Parse(text)->Unmapped().ToString(), text);
}

}  // namespace
}  // namespace cairn

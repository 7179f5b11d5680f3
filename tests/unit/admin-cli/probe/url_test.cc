#include "admin-cli/probe/url.h"

#include <gtest/gtest.h>

namespace cairn::admin {
namespace {

TEST(ProbeUrlTest, PartsAreTakenApart) {
  const absl::StatusOr<ProbeUrl> url =
      ProbeUrl::Parse("wss://signal.example.org:8443/path?q=1#part");
  ASSERT_TRUE(url.ok());
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "signal.example.org");
  EXPECT_EQ(url->port, "8443");
  EXPECT_EQ(url->host_header, "signal.example.org:8443");
  EXPECT_EQ(url->target, "/path?q=1");
}

TEST(ProbeUrlTest, PortAndPathHaveTheirUsualDefaults) {
  EXPECT_EQ(ProbeUrl::Parse("ws://a")->port, "80");
  EXPECT_EQ(ProbeUrl::Parse("wss://a")->port, "443");
  EXPECT_EQ(ProbeUrl::Parse("ws://a")->target, "/");
  EXPECT_EQ(ProbeUrl::Parse("ws://a?x")->target, "/?x");
}

TEST(ProbeUrlTest, Ipv6AddressesAreInBracketsOnlyInTheHeader) {
  const absl::StatusOr<ProbeUrl> url = ProbeUrl::Parse("ws://[2001:db8::1]:81/");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->host, "2001:db8::1");
  EXPECT_EQ(url->host_header, "[2001:db8::1]:81");
}

TEST(ProbeUrlTest, OtherUrlsAreRefused) {
  for (const char* text : {"", "signal.example.org", "https://a", "ws:/a", "ws://", "ws://user@a/",
                           "ws://a:x", "ws://a/ b", "ws://a/\r\nX: y"}) {
    EXPECT_FALSE(ProbeUrl::Parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace cairn::admin

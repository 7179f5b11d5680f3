#include "base/host_port.h"

#include <gtest/gtest.h>

namespace cairn {
namespace {

TEST(HostPort, TakesNamesAndAddressesOfBothKinds) {
  EXPECT_EQ(ParseHostPort("core.example.org")->host, "core.example.org");
  EXPECT_EQ(ParseHostPort("core_1:7443")->port, "7443");
  EXPECT_EQ(ParseHostPort("::1")->host, "::1");
  EXPECT_EQ(ParseHostPort("[2001:db8::1]:99")->port, "99");
  EXPECT_EQ(JoinHostPort("::1", "99"), "[::1]:99");
}

TEST(HostPort, TakesNothingElse) {
  for (const char* text :
       {"", ":1", "a:", "a:0", "a:99999", "a:x", "a b:1", "a:1 ", "a:1\n", "'a:1'", "[::1", "a/b:1",
        "a:b:c", "http://a:1", "[a]b:1", "a\"b:1", "a\xff:1"}) {
    EXPECT_FALSE(ParseHostPort(text).ok()) << text;
  }
}

TEST(HostPort, ATargetOfGrpcHasAPortOrIsAUnixSocket) {
  for (const char* text :
       {"a:1", "[::1]:1", "127.0.0.1:7443", "dns:///a:1", "dns:a:1", "ipv4:127.0.0.1:1",
        "ipv6:[::1]:1", "unix:/run/core", "unix:core", "unix:///run/core"}) {
    EXPECT_TRUE(CheckGrpcTarget(text).ok()) << text;
  }
  for (const char* text : {"a", "7443", ":7443", "127.0.0.1", "http://a:1", "grpc://a:1", "a:1/",
                           "a:99999", "unix:", "unix://", "a:1 ", "a:1\n", "dns:///a"}) {
    EXPECT_FALSE(CheckGrpcTarget(text).ok()) << text;
  }
}

}  // namespace
}  // namespace cairn

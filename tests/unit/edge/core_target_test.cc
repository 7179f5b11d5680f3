#include "edge/core_target.h"

#include <gtest/gtest.h>

#include <string>

namespace cairn::edge {
namespace {

TEST(CoreTargetTest, HostAndPort) {
  const auto target = CoreTarget::Parse("core.example:7443");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->host, "core.example");
  EXPECT_EQ(target->port, "7443");
  EXPECT_EQ(target->Authority(), "core.example:7443");
  EXPECT_EQ(target->CertificateName(), "core.example");
  EXPECT_FALSE(target->is_unix());
}

TEST(CoreTargetTest, AddressOfEitherFamily) {
  EXPECT_EQ(CoreTarget::Parse("192.0.2.1:7443")->host, "192.0.2.1");
  const auto v6 = CoreTarget::Parse("[2001:db8::1]:7443");
  ASSERT_TRUE(v6.ok());
  EXPECT_EQ(v6->host, "2001:db8::1");
  EXPECT_EQ(v6->Authority(), "[2001:db8::1]:7443");
}

TEST(CoreTargetTest, UnixSocketIsLocalhost) {
  for (const char* text : {"unix:/run/core", "unix:///run/core"}) {
    const auto target = CoreTarget::Parse(text);
    ASSERT_TRUE(target.ok()) << text;
    EXPECT_EQ(target->unix_path, "/run/core");
    EXPECT_EQ(target->Authority(), "localhost");
    EXPECT_EQ(target->CertificateName(), "localhost");
  }
  EXPECT_EQ(CoreTarget::Parse("unix:core")->unix_path, "core");
}

TEST(CoreTargetTest, NameAsGrpcWritesIt) {
  for (const char* text : {"dns:core:7443", "dns:///core:7443"})
    EXPECT_EQ(CoreTarget::Parse(text)->Authority(), "core:7443") << text;
  ASSERT_TRUE(CoreTarget::Parse("ipv4:192.0.2.1:7443").ok());
  EXPECT_EQ(CoreTarget::Parse("ipv4:192.0.2.1:7443")->Authority(), "192.0.2.1:7443");
  ASSERT_TRUE(CoreTarget::Parse("ipv6:[2001:db8::1]:7443").ok());
  EXPECT_EQ(CoreTarget::Parse("ipv6:[2001:db8::1]:7443")->Authority(), "[2001:db8::1]:7443");
}

TEST(CoreTargetTest, InvalidTargetsAreRefusedWithAHint) {
  for (const std::string text : {"", "core", "core:", ":7443", "2001:db8::1:7443", "[core]:7443",
                                 "[]:7443", "http://core:7443", "unix:", "unix://"}) {
    const auto target = CoreTarget::Parse(text);
    ASSERT_FALSE(target.ok()) << text;
    EXPECT_NE(target.status().message().find("HOST:PORT"), std::string::npos) << text;
  }
  EXPECT_FALSE(CoreTarget::Parse("unix:/" + std::string(200, 'x')).ok());
}

}  // namespace
}  // namespace cairn::edge

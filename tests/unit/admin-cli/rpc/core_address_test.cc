#include "admin-cli/rpc/core_address.h"

#include <gtest/gtest.h>

namespace cairn::admin {
namespace {

TEST(CoreAddressTest, APortThatIsNotGivenIs7443) {
  EXPECT_EQ(CoreAddress::Parse("core.example.org")->target, "core.example.org:7443");
  EXPECT_EQ(CoreAddress::Parse("core.example.org:1")->target, "core.example.org:1");
  EXPECT_EQ(CoreAddress::Parse("::1")->target, "[::1]:7443");
  EXPECT_EQ(CoreAddress::Parse("[::1]:99")->target, "[::1]:99");
}

TEST(CoreAddressTest, LoopbackAndUnixSocketsStayOnThisMachine) {
  for (const char* text :
       {"localhost", "localhost:1", "127.0.0.1:7443", "127.8.8.8", "::1", "unix:/run/cairn"}) {
    EXPECT_TRUE(CoreAddress::Parse(text)->is_local) << text;
  }
  for (const char* text :
       {"core", "10.0.0.1:7443", "[2001:db8::1]:7443", "localhost.example.org"}) {
    EXPECT_FALSE(CoreAddress::Parse(text)->is_local) << text;
  }
}

TEST(CoreAddressTest, InvalidAddressesAreRefused) {
  for (const char* text : {"", ":7443", "host:", "host:0", "host:65536", "host:x", "http://host",
                           "[::1", "[::1]x", "unix:", "a b"}) {
    EXPECT_FALSE(CoreAddress::Parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace cairn::admin

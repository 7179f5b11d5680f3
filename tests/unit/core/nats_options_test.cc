#include "core/nats_options.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cairn::core {
namespace {

TEST(NatsOptionsTest, Urls) {
  using List = std::vector<std::string>;
  EXPECT_EQ(ParseNatsUrls("nats://a,b:5,tls://c,[::1]").value(),
            (List{"nats://a:4222", "nats://b:5", "tls://c:4222", "tls://[::1]:4222"}));
  for (const char* bad :
       {"", "nats://", "http://a", "nats://a,,b", "nats://a:99999", "nats://user:pass@a"}) {
    EXPECT_FALSE(ParseNatsUrls(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace cairn::core

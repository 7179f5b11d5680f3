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

TEST(NatsOptionsTest, APasswordIsNeverShown) {
  for (const char* url : {"nats://u:s3cret@a", "nats://s3cret@a", "http://u:s3cret@a",
                          "nats://a,tls://u:s3cret@b:x", "u:s3cret@"}) {
    const std::string error(ParseNatsUrls(url).status().message());
    EXPECT_EQ(error.find("s3cret"), std::string::npos) << error;
    EXPECT_NE(error.find("give --mesh-nkey-file or --mesh-creds-file"), std::string::npos) << error;
  }
}

}  // namespace
}  // namespace cairn::core

#include "core/nats_greeting.h"

#include <gtest/gtest.h>

namespace cairn::core {
namespace {

TEST(NatsGreetingTest, WhatAServerSays) {
  const auto info = ParseNatsInfo(
      R"({"server_id":"N","version":"2.9.10","proto":1,"headers":true,"max_payload":1048576,)"
      R"("tls_required":true,"tls_verify":true,"nonce":"abc-_","ldm":true,"connect_urls":["a:1"]})");
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->nonce, "abc-_");
  EXPECT_TRUE(info->tls && info->tls_required && info->headers && info->lame_duck);
  EXPECT_EQ(info->max_payload, 1'048'576);
}

TEST(NatsGreetingTest, WhatAServerDoesNotSayIsNotSo) {
  const auto info = ParseNatsInfo(R"({"tls_available":true,"headers":"yes"})");
  ASSERT_TRUE(info.ok());
  EXPECT_TRUE(info->tls);
  EXPECT_FALSE(info->tls_required || info->headers || info->lame_duck);
  EXPECT_EQ(info->nonce, "");
  EXPECT_EQ(info->max_payload, 0);
}

TEST(NatsGreetingTest, WhatIsNoInfoIsRefused) {
  for (const char* bad : {"", "{", "[]", "1", "{} {}"})
    EXPECT_FALSE(ParseNatsInfo(bad).ok()) << bad;
}

TEST(NatsGreetingTest, WhatAClientSays) {
  EXPECT_EQ(NatsConnect({.name = "me", .nkey = "U", .jwt = "", .signature = "s\"", .tls = true}),
            "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false,\"headers\":true,"
            "\"protocol\":1,\"no_responders\":true,\"lang\":\"cairn-signal\",\"version\":\"1\","
            "\"name\":\"me\",\"tls_required\":true,\"nkey\":\"U\",\"sig\":\"s\\\"\"}\r\n");
  EXPECT_EQ(NatsConnect({}).find("nkey"), std::string::npos);
  EXPECT_NE(NatsConnect({.name = "", .nkey = "", .jwt = "e.y", .signature = "", .tls = false})
                .find("\"jwt\":\"e.y\""),
            std::string::npos);
}

}  // namespace
}  // namespace cairn::core

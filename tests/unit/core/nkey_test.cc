#include "core/nkey.h"

#include <absl/strings/escaping.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cairn::core {
namespace {

// Made by deploy/nats/make-nkey, whose keys a NATS server accepts (tests/deploy/test_nats.py).
constexpr char kSeed[] = "SUAJGGKBJ5432YSTBRPWFTUNJTSU2PVGVFN33IL2WMF2XU22FBXGWAPJ6A";
constexpr char kPublic[] = "UDQPYLFFXYXH2UNPS5NWX54P642KSBHITQYP3WA6F6MIWNFAXASZV6RW";

TEST(NkeyTest, PublicKeyOfASeed) {
  EXPECT_EQ(PublicNkey(kSeed).value(), kPublic);
  EXPECT_EQ(PublicNkey(std::string(" \n") + kSeed + "\r\n").value(), kPublic);
}

TEST(NkeyTest, ASignatureIsThatOfTheKeyAlone) {
  const std::string signature = SignWithNkey(kSeed, "nonce of a server").value();
  EXPECT_EQ(signature.size(), 64u);
  EXPECT_EQ(absl::BytesToHexString(signature.substr(0, 8)), "bdd6cdf88dec9348");
  EXPECT_NE(SignWithNkey(kSeed, "another nonce").value(), signature);
  EXPECT_FALSE(SignWithNkey(kPublic, "nonce of a server").ok());
}

TEST(NkeyTest, WhatIsNoSeedOfAUserIsSaidWithoutASecret) {
  std::string changed = kSeed;
  changed[20] = changed[20] == 'A' ? 'B' : 'A';
  std::string lower = kSeed;
  lower[30] = 'a';
  for (const std::string& bad :
       {std::string(), std::string("SU"), std::string(kPublic), changed, lower,
        std::string(kSeed) + "A", "SA" + std::string(kSeed).substr(2)}) {
    const absl::StatusOr<std::string> made = PublicNkey(bad);
    ASSERT_FALSE(made.ok()) << bad;
    EXPECT_THAT(std::string(made.status().message()),
                testing::Not(testing::HasSubstr(std::string(kSeed).substr(4, 12))))
        << bad;
  }
}

}  // namespace
}  // namespace cairn::core

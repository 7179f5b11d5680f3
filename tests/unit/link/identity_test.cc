#include "proto/link/identity.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

namespace cairn::link {
namespace {

// The bytes 0 to 15.
std::string Secret() {
  std::string secret(kSecretBytes, '\0');
  std::iota(secret.begin(), secret.end(), '\0');
  return secret;
}

// SHA-256 of "lane " and the secret; of "peer ", the secret and the number, most significant byte
// first.
TEST(Identity, GoldenVectors) {
  EXPECT_EQ(LaneIdOf(Secret()), 0xac0d6ab6c4e9ea29u);
  EXPECT_EQ(PeerIdOf(Secret(), 0x0102030405060708), 0x9203c3dd281f0360u);
}

TEST(Identity, AnotherSecretOrNumberGivesAnotherId) {
  std::string other = Secret();
  other.back() ^= 1;
  EXPECT_NE(LaneIdOf(Secret()), LaneIdOf(other));
  EXPECT_NE(PeerIdOf(Secret(), 1), PeerIdOf(other, 1));
  EXPECT_NE(PeerIdOf(Secret(), 1), PeerIdOf(Secret(), 2));
}

TEST(Identity, ASecretIsTheSameToItsLastByteOnly) {
  EXPECT_TRUE(SameSecret("0123456789abcdef", "0123456789abcdef"));
  EXPECT_FALSE(SameSecret("0123456789abcdef", "0123456789abcdeF"));
  EXPECT_FALSE(SameSecret("0123456789abcdef", "0123456789abcde"));
  EXPECT_TRUE(SameSecret("", ""));
}

}  // namespace
}  // namespace cairn::link

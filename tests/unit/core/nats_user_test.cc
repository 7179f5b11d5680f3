#include "core/nats_user.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace cairn::core {
namespace {

using testing::HasSubstr;

// As in nkey_test.cc.
constexpr char kUserSeed[] = "SUAJGGKBJ5432YSTBRPWFTUNJTSU2PVGVFN33IL2WMF2XU22FBXGWAPJ6A";
constexpr char kUserKey[] = "UDQPYLFFXYXH2UNPS5NWX54P642KSBHITQYP3WA6F6MIWNFAXASZV6RW";
// By `openssl pkeyutl -sign -rawin`.
constexpr char kSignature[] =
    "vdbN-I3sk0iz_yT6DF7HIJ2IKe6deoxkMLcBFP2A6_CeZwslekR9oCuDqvHCKFCdzUwS3blwwmm2UuRdJLvoCg";

class NatsUserTest : public testing::Test {
 protected:
  ~NatsUserTest() override { unlink(path_.c_str()); }
  std::string Write(const std::string& text) {
    std::ofstream(path_) << text;
    return path_;
  }
  static absl::StatusOr<NatsUser> OfKey(const std::string& path) {
    NatsOptions options;
    options.nkey_file = path;
    return NatsUser::Read(options);
  }
  static absl::StatusOr<NatsUser> OfCredentials(const std::string& path) {
    NatsOptions options;
    options.credentials_file = path;
    return NatsUser::Read(options);
  }

  const std::string path_ = testing::TempDir() + "nats_user_test." + std::to_string(getpid());
};

TEST_F(NatsUserTest, WithoutAFileItIsNobody) {
  const auto user = NatsUser::Read({});
  ASSERT_TRUE(user.ok());
  EXPECT_FALSE(user->anybody());
}

TEST_F(NatsUserTest, AKeySignsAndSaysItsPublicHalf) {
  const auto user = OfKey(Write(std::string(kUserSeed) + "\n"));
  ASSERT_TRUE(user.ok()) << user.status();
  EXPECT_TRUE(user->anybody());
  EXPECT_EQ(user->nkey(), kUserKey);
  EXPECT_EQ(user->jwt(), "");
  EXPECT_EQ(user->Sign("nonce of a server").value(), kSignature);
}

TEST_F(NatsUserTest, ACredentialsFileHasAJwtAndTheSeedThatSigns) {
  const auto user = OfCredentials(
      Write("-----BEGIN NATS USER JWT-----\r\nab.cd-e_f.gh\r\n------END NATS USER JWT------\r\n"
            "\r\n*** Keep it secret. ***\r\n\r\n-----BEGIN USER NKEY SEED-----\r\n" +
            std::string(kUserSeed) + "\r\n------END USER NKEY SEED------\r\n"));
  ASSERT_TRUE(user.ok()) << user.status();
  EXPECT_EQ(user->jwt(), "ab.cd-e_f.gh");
  EXPECT_EQ(user->nkey(), "") << "the JWT says whose it is";
  EXPECT_EQ(user->Sign("nonce of a server").value(), kSignature);
}

TEST_F(NatsUserTest, AFileThatCannotBeUsedIsNamedWithoutItsSeed) {
  const std::string seed = kUserSeed;
  std::string changed = seed;
  changed[20] = changed[20] == 'A' ? 'B' : 'A';
  const std::string jwt = "-----BEGIN NATS USER JWT-----\na.b.c\n------END NATS USER JWT------\n";
  for (const auto& user :
       {OfKey("/nonexistent"), OfCredentials("/nonexistent"), OfKey(Write(changed)),
        OfKey(Write("")), OfCredentials(Write(seed)), OfCredentials(Write(jwt)),
        OfCredentials(Write(jwt + "-----BEGIN USER NKEY SEED-----\n" + changed + "\n---\n"))}) {
    ASSERT_FALSE(user.ok());
    const std::string reason(user.status().message());
    EXPECT_TRUE(reason.find(path_) != std::string::npos ||
                reason.find("/nonexistent") != std::string::npos)
        << reason;
    EXPECT_THAT(reason, testing::Not(HasSubstr(seed.substr(4, 12))));
  }
}

}  // namespace
}  // namespace cairn::core

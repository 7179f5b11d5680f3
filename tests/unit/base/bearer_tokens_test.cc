#include "base/bearer_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace cairn {
namespace {

using testing::HasSubstr;
using testing::Not;

// A file that goes with the test.
class TokenFile {
 public:
  explicit TokenFile(std::string_view content) {
    path_ = testing::TempDir() + "/tokens-XXXXXX";
    const int fd = ::mkstemp(path_.data());
    EXPECT_GE(fd, 0);
    ::close(fd);
    Write(content);
  }
  ~TokenFile() { ::unlink(path_.c_str()); }
  TokenFile(const TokenFile&) = delete;
  TokenFile& operator=(const TokenFile&) = delete;

  void Write(std::string_view content) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

BearerTokens FromFile(std::string_view content) {
  const TokenFile file(content);
  absl::StatusOr<BearerTokens> tokens = BearerTokens::FromFile(file.path());
  EXPECT_TRUE(tokens.ok()) << tokens.status();
  return tokens.ok() ? *std::move(tokens) : BearerTokens();
}

absl::Status FileError(std::string_view content) {
  const TokenFile file(content);
  absl::Status status = BearerTokens::FromFile(file.path()).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr(file.path()));
  return status;
}

TEST(BearerTokens, WithoutTokensNothingIsRequired) {
  const BearerTokens none;
  EXPECT_FALSE(none.required());
  EXPECT_FALSE(none.Matches(""));
}

TEST(BearerTokens, OneTokenMatchesItselfAndNothingElse) {
  const absl::StatusOr<BearerTokens> tokens = BearerTokens::FromToken("s3cret-Token");
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_TRUE(tokens->required());
  EXPECT_EQ(tokens->size(), 1u);
  EXPECT_TRUE(tokens->Matches("s3cret-Token"));
  for (const char* wrong : {"", "s3cret-token", "s3cret-Toke", "s3cret-Token ", " s3cret-Token",
                            "s3cret-Token2", "Bearer s3cret-Token"}) {
    EXPECT_FALSE(tokens->Matches(wrong)) << wrong;
  }
  EXPECT_FALSE(tokens->Matches(std::string_view("s3cret-Token\0", 13)));
}

TEST(BearerTokens, BlanksAroundATokenDoNotCount) {
  const absl::StatusOr<BearerTokens> tokens = BearerTokens::FromToken(" \ttwo words\r\t ");
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_TRUE(tokens->Matches("two words"));
}

TEST(BearerTokens, AnEmptyTokenIsRefused) {
  for (const char* token : {"", " ", "\t\r "}) {
    const absl::Status status = BearerTokens::FromToken(token).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("empty"));
  }
}

TEST(BearerTokens, ControlCharactersAreRefusedWithoutSayingTheToken) {
  for (const std::string& token :
       {std::string("s3cret\nmore"), std::string("s3cret\x01more"), std::string("s3cret\x7fmore"),
        std::string("s3cret\0more", 11), std::string("s3cret\tmore")}) {
    const absl::Status status = BearerTokens::FromToken(token).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("control characters"));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("s3cret")));
  }
}

TEST(BearerTokens, OtherThanAsciiIsRefusedAsThatWithoutSayingTheToken) {
  for (const char* token : {"s3cret-\xc3\xbc", "s3cret\xff", "\x80s3cret"}) {
    const absl::Status status = BearerTokens::FromToken(token).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("other than ASCII"));
    EXPECT_THAT(std::string(status.message()), HasSubstr("openssl rand"));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("control")));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("s3cret")));
  }
}

TEST(BearerTokens, ATokenHasAtMostMaxTokenBytes) {
  const std::string longest(BearerTokens::kMaxTokenBytes, 'x');
  const absl::StatusOr<BearerTokens> tokens = BearerTokens::FromToken(longest);
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_TRUE(tokens->Matches(longest));
  const absl::Status status = BearerTokens::FromToken(longest + "x").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("xxx")));
}

TEST(BearerTokens, AFileHasOneTokenALine) {
  const BearerTokens tokens = FromFile("first\n\n  \t\n  second \r\nthird");
  EXPECT_EQ(tokens.size(), 3u);
  for (const char* token : {"first", "second", "third"}) EXPECT_TRUE(tokens.Matches(token));
  EXPECT_FALSE(tokens.Matches(""));
  EXPECT_FALSE(tokens.Matches("first\n"));
}

TEST(BearerTokens, EveryTokenOfAFileIsEquallyValidSoThatOneCanBeRotatedOut) {
  const TokenFile file("old\n");
  const absl::StatusOr<BearerTokens> before = BearerTokens::FromFile(file.path());
  file.Write("old\nnew\n");
  const absl::StatusOr<BearerTokens> during = BearerTokens::FromFile(file.path());
  file.Write("new\n");
  const absl::StatusOr<BearerTokens> after = BearerTokens::FromFile(file.path());
  ASSERT_TRUE(before.ok() && during.ok() && after.ok());
  EXPECT_TRUE(before->Matches("old") && !before->Matches("new"));
  EXPECT_TRUE(during->Matches("old") && during->Matches("new"));
  EXPECT_TRUE(!after->Matches("old") && after->Matches("new"));
}

TEST(BearerTokens, AFileWithoutATokenIsRefused) {
  for (const char* content : {"", "\n", " \t\r\n\n"}) {
    const absl::Status status = FileError(content);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("no token"));
  }
}

TEST(BearerTokens, AFileThatIsNotThereIsNamed) {
  const std::string path = testing::TempDir() + "/no-such-directory/tokens";
  const absl::Status status = BearerTokens::FromFile(path).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  EXPECT_THAT(std::string(status.message()), HasSubstr("No such file"));
}

TEST(BearerTokens, ADirectoryIsNoTokenFile) {
  EXPECT_FALSE(BearerTokens::FromFile(testing::TempDir()).ok());
}

TEST(BearerTokens, ABadLineIsNamedByItsNumberAndNotByItsText) {
  const absl::Status control = FileError("good-token\n\ns3cret\x02rest\n");
  EXPECT_THAT(std::string(control.message()), HasSubstr("line 3"));
  EXPECT_THAT(std::string(control.message()), Not(HasSubstr("s3cret")));
  EXPECT_THAT(std::string(control.message()), Not(HasSubstr("good-token")));
  const absl::Status too_long = FileError(std::string(BearerTokens::kMaxTokenBytes + 1, 'y'));
  EXPECT_THAT(std::string(too_long.message()), HasSubstr("line 1"));
  EXPECT_THAT(std::string(too_long.message()), Not(HasSubstr("yyy")));
}

TEST(BearerTokens, AFileHasAtMostMaxTokens) {
  std::string content;
  for (size_t i = 0; i < BearerTokens::kMaxTokens; ++i) content += std::to_string(i) + "-s3cret\n";
  const BearerTokens tokens = FromFile(content);
  EXPECT_EQ(tokens.size(), BearerTokens::kMaxTokens);
  EXPECT_TRUE(tokens.Matches("0-s3cret"));
  EXPECT_TRUE(tokens.Matches("999-s3cret"));
  const absl::Status status = FileError(content + "one-more-s3cret\n");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("1000"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace cairn

#include "base/credential_lines.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "base/bearer_tokens.h"

namespace cairn {
namespace {

CredentialLine Parse(const std::string& line) { return CredentialLine::Parse(line, 1); }

class TempFile {
 public:
  explicit TempFile(const std::string& content)
      : path_(testing::TempDir() + "credentials-" + std::to_string(getpid())) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TempFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

TEST(CredentialLines, ANameIsFollowedByAColonAndABlank) {
  EXPECT_EQ(Parse("north: t0ken").name, "north");
  EXPECT_EQ(Parse("north: t0ken").value, "t0ken");
  EXPECT_EQ(Parse(" fra-1.example:\t t0ken \r").name, "fra-1.example");
  EXPECT_EQ(Parse(" fra-1.example:\t t0ken \r").value, "t0ken");
}

TEST(CredentialLines, AnythingElseIsAValueAsAWhole) {
  for (const char* line :
       {"t0ken", "two words", "a:b", "a:", ": t0ken", "two words: t0ken", "=: "}) {
    EXPECT_EQ(Parse(line).name, "") << line;
    EXPECT_EQ(Parse(line).whole, Parse(line).value) << line;
  }
  EXPECT_EQ(Parse(" two words ").value, "two words");
}

TEST(CredentialLines, LinesOfAFileHaveTheirNumbers) {
  const TempFile file("\nnorth: a\r\n\nb");
  const auto lines = *CredentialLine::ReadFile(file.path());
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].number, 2);
  EXPECT_EQ(lines[1].number, 4);
  EXPECT_EQ(lines[1].value, "b");
}

TEST(BearerTokensWithNames, ATokenHasItsName) {
  const TempFile file("north: a-token\nplain-token\nsouth: another\n");
  const BearerTokens tokens = *BearerTokens::FromFile(file.path(), BearerTokens::Names::kAllowed);
  EXPECT_EQ(tokens.NameOf("a-token"), "north");
  EXPECT_EQ(tokens.NameOf("another"), "south");
  EXPECT_EQ(tokens.NameOf("plain-token"), "");
  EXPECT_EQ(tokens.NameOf("north: a-token"), "north") << "who presents the line of his own file";
  EXPECT_EQ(tokens.NameOf("north"), std::nullopt);
  EXPECT_EQ(tokens.NameOf(""), std::nullopt);
  EXPECT_EQ(BearerTokens::FirstInFile(file.path())->value, "a-token");
  EXPECT_EQ(BearerTokens::FirstInFile(file.path())->name, "north");
}

TEST(BearerTokensWithNames, WhereThereAreNoneALineIsAToken) {
  const TempFile file("north:  a-token\n");
  const BearerTokens tokens = *BearerTokens::FromFile(file.path());
  EXPECT_TRUE(tokens.Matches("north:  a-token"));
  EXPECT_FALSE(tokens.Matches("a-token"));
}

TEST(BearerTokensWithNames, ANameWithoutATokenIsAMistake) {
  const TempFile file("north: s3cr\xc3\xa9t\n");
  const auto tokens = BearerTokens::FromFile(file.path(), BearerTokens::Names::kAllowed);
  EXPECT_EQ(tokens.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(tokens.status().message()).find("s3cr"), std::string::npos);
}

}  // namespace
}  // namespace cairn

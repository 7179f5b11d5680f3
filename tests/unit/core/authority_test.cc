#include "core/authority.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace cairn::core {
namespace {

std::string WithFile(const std::string& content) {
  const std::string path = testing::TempDir() + "authority-" + std::to_string(getpid());
  std::ofstream(path) << content;
  return path;
}

BearerTokens Tokens(const std::string& lines) {
  return *BearerTokens::FromFile(WithFile(lines), BearerTokens::Names::kAllowed);
}

AuthorityTokens Edges(const std::string& lines) {
  AuthorityTokens tokens;
  tokens.edge = Tokens(lines);
  return tokens;
}

AuthorityTokens Certificates(const std::string& lines) {
  AuthorityTokens tokens;
  tokens.certificates = *AllowedNames::FromFile(WithFile(lines));
  return tokens;
}

Credentials Token(const std::string& token) { return {token, {}, {}}; }
Credentials Named(const std::string& name) { return {{}, {name}, {}}; }

// Whether lanes may be opened, and of which edge: "-": no; "*": of any.
std::string EdgeOf(const Authority& authority, const Credentials& credentials) {
  Caller caller;
  if (!authority.Check(credentials, Capability::kOpenLane, &caller).ok()) return "-";
  return caller.edge.empty() ? "*" : caller.edge;
}

TEST(Authority, ATokenWithANameIsOfThatEdge) {
  const Authority authority(Edges("north: n\nplain\n"), false);
  EXPECT_EQ(EdgeOf(authority, Token("n")), "north");
  EXPECT_EQ(EdgeOf(authority, Token("plain")), "*");
  EXPECT_EQ(EdgeOf(authority, Token("north")), "-");
}

TEST(Authority, WithoutAListEveryCertificateNamedAsAnEdgeIsOne) {
  const Authority authority({}, true);
  EXPECT_EQ(EdgeOf(authority, Named("edge.north")), "*");
  EXPECT_EQ(EdgeOf(authority, Named("north")), "-");
}

TEST(Authority, OfAListOnlyThoseInItCount) {
  const Authority authority(Certificates("edge.plain\nnorth: n.example.com\noperator.alice\n"),
                            true);
  EXPECT_EQ(EdgeOf(authority, Named("edge.plain")), "*");
  EXPECT_EQ(EdgeOf(authority, Named("n.example.com")), "north");
  EXPECT_EQ(EdgeOf(authority, Named("edge.other")), "-");
  EXPECT_TRUE(authority.Check(Named("operator.alice"), Capability::kOperate).ok());
  EXPECT_FALSE(authority.Check(Named("operator.bob"), Capability::kView).ok());
}

class Leases : public testing::Test {
 protected:
  Authority::Lease Hold(const Credentials& credentials) {
    return authority_.Hold(credentials, Capability::kOpenLane,
                           [this](const absl::Status& status) { ended_.push_back(status.code()); });
  }

  Authority authority_{Edges("north: n\nsouth: s\n"), true};
  std::vector<absl::StatusCode> ended_;
};

TEST_F(Leases, EndWhenTheTokenIsTakenAway) {
  const Authority::Lease north = Hold(Token("n")), south = Hold(Token("s"));
  EXPECT_EQ(authority_.SetTokens(Edges("south: s\n")), 1u);
  EXPECT_EQ(ended_, std::vector{absl::StatusCode::kUnauthenticated});
}

TEST_F(Leases, EndWhenTheTokenIsOfAnotherEdgeByNow) {
  const Authority::Lease north = Hold(Token("n"));
  EXPECT_EQ(authority_.SetTokens(Edges("west: n\n")), 1u);
}

TEST_F(Leases, GoOnWhenNothingChangesForThem) {
  const Authority::Lease north = Hold(Token("n")), cert = Hold(Named("edge"));
  EXPECT_EQ(authority_.SetTokens(Edges("new: x\nnorth: n\n")), 0u);
  EXPECT_TRUE(ended_.empty());
}

TEST_F(Leases, EndWhenACertificateIsNotInTheListThatThereIsNow) {
  const Authority::Lease north = Hold(Named("edge.north")), south = Hold(Named("edge.south"));
  EXPECT_EQ(authority_.SetTokens(Certificates("edge.south\n")), 1u);
}

TEST_F(Leases, ThatHaveEndedAreNotEndedAgain) {
  {
    Authority::Lease north = Hold(Token("n"));
    Authority::Lease moved = std::move(north);
  }
  EXPECT_EQ(authority_.SetTokens(Edges("south: s\n")), 0u);
}

TEST_F(Leases, OfRevokedCredentialsEndAtOnce) {
  authority_.SetTokens(Edges("south: s\n"));
  const Authority::Lease north = Hold(Token("n"));
  EXPECT_EQ(ended_.size(), 1u);
}

}  // namespace
}  // namespace cairn::core

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

Credentials WithToken(const std::string& token) { return {token, {}, {}}; }
Credentials WithName(const std::string& name) { return {{}, {name}, {}}; }

// Whether lanes may be opened, and of which edge: "-": no; "*": of any.
std::string EdgeOf(const Authority& authority, const Credentials& credentials) {
  Caller caller;
  if (!authority.Check(credentials, Capability::kOpenLane, &caller).ok()) return "-";
  return caller.edge.empty() ? "*" : caller.edge;
}

TEST(Authority, ATokenWithANameIsOfThatEdge) {
  const Authority authority(Edges("north: n\nplain\n"), false);
  EXPECT_EQ(EdgeOf(authority, WithToken("n")), "north");
  EXPECT_EQ(EdgeOf(authority, WithToken("plain")), "*");
  EXPECT_EQ(EdgeOf(authority, WithToken("north")), "-");
}

TEST(Authority, WithoutAListEveryCertificateNamedAsAnEdgeIsOne) {
  const Authority authority({}, true);
  EXPECT_EQ(EdgeOf(authority, WithName("edge.north")), "*");
  EXPECT_EQ(EdgeOf(authority, WithName("north")), "-");
}

TEST(Authority, OfAListOnlyThoseInItCount) {
  const Authority authority(Certificates("edge.plain\nnorth: n.example.com\noperator.alice\n"),
                            true);
  EXPECT_EQ(EdgeOf(authority, WithName("edge.plain")), "*");
  EXPECT_EQ(EdgeOf(authority, WithName("n.example.com")), "north");
  EXPECT_EQ(EdgeOf(authority, WithName("edge.other")), "-");
  EXPECT_TRUE(authority.Check(WithName("operator.alice"), Capability::kOperate).ok());
  EXPECT_FALSE(authority.Check(WithName("operator.bob"), Capability::kView).ok());
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
  const Authority::Lease north = Hold(WithToken("n")), south = Hold(WithToken("s"));
  EXPECT_EQ(authority_.SetTokens(Edges("south: s\n")), 1u);
  EXPECT_EQ(ended_, std::vector{absl::StatusCode::kUnauthenticated});
}

TEST_F(Leases, EndWhenTheTokenIsOfAnotherEdgeByNow) {
  const Authority::Lease north = Hold(WithToken("n"));
  EXPECT_EQ(authority_.SetTokens(Edges("west: n\n")), 1u);
}

TEST_F(Leases, GoOnWhenNothingChangesForThem) {
  const Authority::Lease north = Hold(WithToken("n")), cert = Hold(WithName("edge"));
  EXPECT_EQ(authority_.SetTokens(Edges("new: x\nnorth: n\n")), 0u);
  EXPECT_TRUE(ended_.empty());
}

TEST_F(Leases, EndWhenACertificateIsNotInTheListThatThereIsNow) {
  const Authority::Lease north = Hold(WithName("edge.north")), south = Hold(WithName("edge.south"));
  EXPECT_EQ(authority_.SetTokens(Certificates("edge.south\n")), 1u);
}

TEST_F(Leases, ThatHaveEndedAreNotEndedAgain) {
  {
    Authority::Lease north = Hold(WithToken("n"));
    Authority::Lease moved = std::move(north);
  }
  EXPECT_EQ(authority_.SetTokens(Edges("south: s\n")), 0u);
}

TEST_F(Leases, OfRevokedCredentialsEndAtOnce) {
  authority_.SetTokens(Edges("south: s\n"));
  const Authority::Lease north = Hold(WithToken("n"));
  EXPECT_EQ(ended_.size(), 1u);
}

}  // namespace
}  // namespace cairn::core

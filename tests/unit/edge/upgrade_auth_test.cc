// Which upgrades are authorized: tokens in the header and, from browsers, among the subprotocols.
#include <absl/strings/escaping.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/upgrade_requests.h"

namespace cairn::edge {
namespace {

using testing::AnyOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr char kToken[] = "s3cret-token";

BearerTokens Token() { return *BearerTokens::FromToken(kToken); }

TEST(UpgradeAuth, TheRightTokenIsAccepted) {
  for (const char* value : {"Bearer s3cret-token", "  Bearer s3cret-token  ",
                            "\tBearer s3cret-token\t", "bearer s3cret-token"}) {
    ExpectAccepted(GoodRequest({std::string("Authorization:") + value}), Token());
    ExpectAccepted(GoodRequest({std::string("authorization: ") + value}), Token());
  }
}

TEST(UpgradeAuth, WithoutTheRightTokenTheAnswerIs401AndNothingElse) {
  const std::vector<Headers> rows = {
      {},
      {"Authorization: Bearer wrong-token"},
      {"Authorization: Bearer s3cret-toke"},
      {"Authorization: Bearer s3cret-token2"},
      {"Authorization: Bearer  s3cret-token"},
      {"Authorization: Bearer"},
      {"Authorization: Bearer "},
      {"Authorization: s3cret-token"},
      {"Authorization: Basic s3cret-token"},
      {"Authorization: Basic " + absl::Base64Escape("user:s3cret-token")},
      {"X-Authorization: Bearer s3cret-token"},
      {"Cookie: token=s3cret-token"},
      {"Sec-WebSocket-Protocol: cairn.signal.v1"},
      {"Sec-WebSocket-Protocol: cairn.signal.v1, s3cret-token"},
      {"Sec-WebSocket-Protocol: cairn.signal.v1, cairn.bearer.s3cret-token"},
  };
  for (const Headers& headers : rows) {
    ExpectRefused(GoodRequest(headers), 401, Token());
    const Outcome outcome = Try(GoodRequest(headers), Token());
    EXPECT_THAT(outcome.answer, EndsWith("\r\n\r\n")) << "a body";
    EXPECT_THAT(Head(outcome.answer), testing::Contains("content-length: 0"));
    EXPECT_THAT(outcome.answer, Not(HasSubstr("cairn")));
    EXPECT_THAT(outcome.answer, Not(HasSubstr("s3cret")));
  }
  ExpectRefused(GoodRequest({}, "/?token=s3cret-token&access_token=s3cret-token"), 401, Token());
}

TEST(UpgradeAuth, ABrowserOffersItsTokenAsASubprotocolWhichIsNeverEchoed) {
  std::string encoded;
  absl::WebSafeBase64Escape(kToken, &encoded);
  for (const Headers& headers :
       {Headers{"Sec-WebSocket-Protocol: cairn.signal.v1, cairn.bearer." + encoded},
        Headers{"Sec-WebSocket-Protocol: cairn.bearer." + encoded + ",cairn.signal.v1"},
        Headers{"Sec-WebSocket-Protocol: cairn.signal.v1",
                "Sec-WebSocket-Protocol: cairn.bearer." + encoded}}) {
    const Outcome outcome = Try(GoodRequest(headers), Token());
    EXPECT_EQ(outcome.state, Upgrade::State::kAccepted);
    EXPECT_THAT(Head(outcome.answer), testing::Contains("sec-websocket-protocol: cairn.signal.v1"));
    EXPECT_THAT(outcome.answer, Not(HasSubstr("bearer")));
    EXPECT_THAT(outcome.answer, Not(HasSubstr(encoded)));
  }
}

TEST(UpgradeAuth, ASubprotocolTokenMayHoldBytesThatBase64UrlSpellsDifferently) {
  const std::string token = "a?b>c~d?>~token";
  std::string encoded;
  absl::WebSafeBase64Escape(token, &encoded);
  ASSERT_THAT(encoded, AnyOf(HasSubstr("-"), HasSubstr("_")));
  ExpectAccepted(GoodRequest({"Sec-WebSocket-Protocol: cairn.signal.v1, cairn.bearer." + encoded}),
                 *BearerTokens::FromToken(token));
}

TEST(UpgradeAuth, WithoutConfiguredTokensAnyAuthorizationIsIgnored) {
  ExpectAccepted(GoodRequest({"Authorization: Bearer whatever"}));
  ExpectAccepted(GoodRequest({"Authorization: Basic x"}));
}

TEST(UpgradeAuth, AnUnauthorizedRequestIsNotToldWhatElseIsWrong) {
  ExpectRefused(GoodRequestBut("Sec-WebSocket-Key", ""), 401, Token());
  ExpectRefused(GoodRequestBut("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), 401, Token());
}

}  // namespace
}  // namespace cairn::edge

#include "edge/upgrade.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/upgrade_requests.h"

namespace cairn::edge {
namespace {

using testing::AnyOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Upgrade, AnswersTheSampleOfTheRfcWithTheseHeadersAndNoOthers) {
  const Outcome outcome = Try(GoodRequest());
  EXPECT_EQ(outcome.state, Upgrade::State::kAccepted);
  EXPECT_EQ(outcome.status, 101);
  EXPECT_THAT(
      Head(outcome.answer),
      testing::ElementsAre("HTTP/1.1 101 Switching Protocols", "connection: Upgrade",
                           std::string("sec-websocket-accept: ") + kAccept, "upgrade: websocket"));
  EXPECT_THAT(outcome.answer, EndsWith("\r\n\r\n"));
}

TEST(Upgrade, AcceptsAnyTarget) {
  for (const char* target : {"/", "*", "/a/b?token=x&y", "http://other.example/path", "//", "/%zz",
                             "/?", "ws://signal.example:443/"}) {
    ExpectAccepted(GoodRequest({}, target));
  }
  ExpectAccepted(GoodRequest({}, "/" + std::string(8000, 'p')));
}

TEST(Upgrade, AcceptsAnyHostAndOrigin) {
  ExpectAccepted(GoodRequestBut("Host", ""));
  ExpectAccepted(GoodRequestBut("Host", "Host: "));
  ExpectAccepted(GoodRequest({"Host: second.example"}));
  ExpectAccepted(GoodRequest({"Origin: https://other.example"}));
  ExpectAccepted(GoodRequest({"Origin: null"}));
}

TEST(Upgrade, AcceptsItsHeadersInAnyCaseAndAmongOthers) {
  for (const char* value : {"WebSocket", "WEBSOCKET", "h2c, websocket"}) {
    ExpectAccepted(GoodRequestBut("Upgrade", std::string("Upgrade: ") + value));
  }
  for (const char* value : {"upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade,keep-alive",
                            "keep-alive ,  uPgRaDe "}) {
    ExpectAccepted(GoodRequestBut("Connection", std::string("Connection: ") + value));
  }
  ExpectAccepted(GoodRequestBut("Connection", "Connection: keep-alive\r\nConnection: Upgrade"));
  ExpectAccepted(GoodRequestBut("Sec-WebSocket-Key", std::string("SEC-WEBSOCKET-KEY:  ") + kKey));
}

TEST(Upgrade, AcceptsManyHeadersUpTo64KiBOfRequest) {
  Headers many;
  for (int i = 0; i < 500; ++i) many.push_back("X-Header-" + std::to_string(i) + ": value");
  ExpectAccepted(GoodRequest(many));
  const size_t rest = GoodRequest({"X: "}).size();
  ExpectAccepted(GoodRequest({"X: " + std::string(kMaxHead - rest, 'x')}));
  ExpectRefused(GoodRequest({"X: " + std::string(kMaxHead, 'x')}), 431);
}

TEST(Upgrade, NegotiatesNoExtensionAndNoSubprotocolButItsOwn) {
  for (const char* offer : {"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
                            "Sec-WebSocket-Protocol: chat, superchat",
                            "Sec-WebSocket-Protocol: CAIRN.SIGNAL.V1, cairn.signal.v3"}) {
    const Outcome outcome = Try(GoodRequest({offer}));
    EXPECT_EQ(outcome.state, Upgrade::State::kAccepted);
    EXPECT_EQ(Head(outcome.answer).size(), 4u) << outcome.answer;
  }
  for (const Headers& offer :
       {Headers{"Sec-WebSocket-Protocol: cairn.signal.v1"},
        Headers{"Sec-WebSocket-Protocol: chat,cairn.signal.v1 , other"},
        Headers{"Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: cairn.signal.v1"}}) {
    const Outcome outcome = Try(GoodRequest(offer));
    EXPECT_EQ(outcome.state, Upgrade::State::kAccepted);
    EXPECT_THAT(Head(outcome.answer), testing::Contains("sec-websocket-protocol: cairn.signal.v1"));
    EXPECT_EQ(Head(outcome.answer).size(), 5u) << outcome.answer;
  }
}

TEST(Upgrade, SelectsTheNewestDialectThatIsOffered) {
  const struct {
    const char* offer;
    const char* selected;
    wire::Dialect dialect;
  } rows[] = {
      {"cairn.signal.v1", "cairn.signal.v1", wire::Dialect::kNative},
      {"cairn.signal.v2", "cairn.signal.v2", wire::Dialect::kV2},
      {"cairn.signal.v1, cairn.signal.v2", "cairn.signal.v2", wire::Dialect::kV2},
      {"cairn.signal.v2, cairn.signal.v1", "cairn.signal.v2", wire::Dialect::kV2},
  };
  for (const auto& row : rows) {
    const BearerTokens none;
    Upgrade upgrade(none, kMaxHead);
    const std::string request = GoodRequest({std::string("Sec-WebSocket-Protocol: ") + row.offer});
    std::string_view in = request;
    EXPECT_EQ(upgrade.Feed(in), Upgrade::State::kAccepted) << row.offer;
    EXPECT_EQ(upgrade.dialect(), row.dialect) << row.offer;
    EXPECT_THAT(Head(upgrade.answer()),
                testing::Contains(std::string("sec-websocket-protocol: ") + row.selected));
  }
}

TEST(Upgrade, RefusesOtherRequestsWith426AndTheUpgradeThatIsRequired) {
  ExpectRefused(GoodRequestBut("Upgrade", ""), 426);
  ExpectRefused(GoodRequestBut("Upgrade", "Upgrade: h2c"), 426);
  ExpectRefused(GoodRequestBut("Upgrade", "Upgrade: websockets"), 426);
  ExpectRefused(GoodRequestBut("Connection", ""), 426);
  ExpectRefused(GoodRequestBut("Connection", "Connection: keep-alive"), 426);
  const Outcome plain = Try(Request("GET /health HTTP/1.1", {"Host: signal.example"}));
  EXPECT_EQ(plain.status, 426);
  EXPECT_THAT(Head(plain.answer), testing::Contains("upgrade: websocket"));
  EXPECT_THAT(Head(plain.answer), testing::Contains("sec-websocket-version: 13"));
  const std::string body = plain.answer.substr(plain.answer.find("\r\n\r\n") + 4);
  EXPECT_EQ(std::count(body.begin(), body.end(), '\n'), 1) << "one line";
  EXPECT_THAT(body, EndsWith("\n"));
  EXPECT_THAT(Head(plain.answer),
              testing::Contains("content-length: " + std::to_string(body.size())));
}

TEST(Upgrade, RefusesVersionsOtherThan13With426) {
  for (const char* instead : {"", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 14",
                              "Sec-WebSocket-Version: 13x", "Sec-WebSocket-Version: "}) {
    ExpectRefused(GoodRequestBut("Sec-WebSocket-Version", instead), 426);
  }
}

TEST(Upgrade, IgnoresAnEmptyLineBeforeTheRequestForEverySplit) {
  ExpectAccepted("\r\n" + GoodRequest());
  const BearerTokens tokens;
  Upgrade upgrade(tokens, kMaxHead);
  Upgrade::State state = Upgrade::State::kNeedMore;
  for (const char c : "\r\n" + GoodRequest()) {
    ASSERT_EQ(state, Upgrade::State::kNeedMore);
    std::string_view in(&c, 1);
    state = upgrade.Feed(in);
    EXPECT_TRUE(in.empty());
  }
  EXPECT_EQ(state, Upgrade::State::kAccepted);
  ExpectRefused("\rGET / HTTP/1.1\r\n\r\n", 400);
  ExpectRefused("\r\n\r\n" + GoodRequest(), 400);
}

TEST(Upgrade, RefusesBareLineFeedsAtOnce) {
  for (const char* text :
       {"\nGET / HTTP/1.1\r\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nHost: x\n\n"})
    ExpectRefused(text, 400);
  std::string request = GoodRequest();
  while (request.find('\r') != request.npos) request.erase(request.find('\r'), 1);
  ExpectRefused(request, 400);
  // Frames that came with the request are not its lines.
  ExpectAccepted(GoodRequest() + "\n");
}

TEST(Upgrade, RefusesABodyWith400) {
  ExpectRefused(GoodRequest({"Content-Length: 5"}) + "hello", 400);
  ExpectRefused(GoodRequest({"Transfer-Encoding: chunked"}) + "0\r\n\r\n", 400);
  ExpectAccepted(GoodRequest({"Content-Length: 0"}));
}

TEST(Upgrade, RefusesAKeyThatIsNot16BytesWith400) {
  for (const char* key :
       {"x", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZXk=",
        "dGhlIHNhbXBsZSBub25jZQ==x", "AAAAAAAAAAAAAAAAAAAAAAAA", "!!!!!!!!!!!!!!!!!!!!!!=="}) {
    ExpectRefused(GoodRequestBut("Sec-WebSocket-Key", std::string("Sec-WebSocket-Key: ") + key),
                  400);
  }
}

TEST(Upgrade, RefusesAMissingKeyWith400) {
  ExpectRefused(GoodRequestBut("Sec-WebSocket-Key", ""), 400);
  ExpectRefused(GoodRequestBut("Sec-WebSocket-Key", "Sec-WebSocket-Key: "), 400);
}

TEST(Upgrade, RefusesMethodsOtherThanGetWith405) {
  for (const char* method : {"POST", "HEAD", "PUT", "OPTIONS", "CONNECT", "get", "BREW"}) {
    std::string request = GoodRequest();
    const Outcome outcome = Try(request.replace(0, 3, method));
    EXPECT_EQ(outcome.state, Upgrade::State::kRefused) << method;
    EXPECT_THAT(outcome.status, AnyOf(405, 400)) << method;
  }
  std::string post = GoodRequest();
  const Outcome outcome = Try(post.replace(0, 3, "POST"));
  EXPECT_EQ(outcome.status, 405);
  EXPECT_THAT(Head(outcome.answer), testing::Contains("allow: GET"));
}

TEST(Upgrade, RefusesOtherVersionsOfHttpWith505) {
  for (const char* version : {"HTTP/1.0", "HTTP/2.0", "HTTP/1.2", "HTTP/0.9"}) {
    std::string request = GoodRequest();
    ExpectRefused(request.replace(request.find("HTTP/1.1"), 8, version), 505);
  }
}

TEST(Upgrade, RefusesInputThatIsNotHttpWith400) {
  for (const char* head :
       {"GET\r\n\r\n", "GET /\r\n\r\n", "\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "hello\r\n\r\n", "GET / HTTP/1.1\r\nA: b\x01\r\n\r\n"}) {
    ExpectRefused(head, 400);
  }
  // Not worth waiting for more of it: a TLS ClientHello on the plaintext port, another protocol's
  // greeting.
  for (const char* bytes : {"\x16\x03\x01\x02", "\x82\x83", " ", "\n", "123"}) {
    ExpectRefused(bytes, 400);
  }
}

TEST(Upgrade, RefusesAHeadAboveItsLimitWith431ForEverySplit) {
  const std::string endless = "GET / HTTP/1.1\r\nX: " + std::string(2000, 'x');
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{999}, endless.size()}) {
    const BearerTokens none;
    Upgrade upgrade(none, 1000);
    Upgrade::State state = Upgrade::State::kNeedMore;
    size_t fed = 0;
    while (state == Upgrade::State::kNeedMore && fed < endless.size()) {
      std::string_view in = std::string_view(endless).substr(fed, piece);
      fed += in.size();
      state = upgrade.Feed(in);
    }
    EXPECT_EQ(state, Upgrade::State::kRefused) << piece;
    EXPECT_EQ(upgrade.status(), 431);
    EXPECT_LE(fed, 1000 + piece) << "kept more than allowed";
  }
}

TEST(Upgrade, PiecesOfEverySizeAreTheSameRequest) {
  const std::string early = "\x82\x83 first frames \r\n\r\n more";
  const std::string request = GoodRequest({"User-Agent: agent/1"});
  const std::string all = request + early;
  for (size_t piece = 1; piece <= all.size(); ++piece) {
    const BearerTokens none;
    Upgrade upgrade(none, kMaxHead);
    Upgrade::State state = Upgrade::State::kNeedMore;
    std::string rest;
    for (size_t at = 0; at < all.size(); at += piece) {
      std::string_view in = std::string_view(all).substr(at, piece);
      if (state == Upgrade::State::kNeedMore) state = upgrade.Feed(in);
      if (state == Upgrade::State::kNeedMore) {
        ASSERT_TRUE(in.empty());
      }
      rest += in;
    }
    ASSERT_EQ(state, Upgrade::State::kAccepted) << piece;
    ASSERT_EQ(rest, early) << piece;
    ASSERT_THAT(upgrade.answer(), HasSubstr(kAccept));
    ASSERT_EQ(upgrade.user_agent(), "agent/1");
  }
}

TEST(Upgrade, UserAgentIsCut) {
  const BearerTokens none;
  Upgrade upgrade(none, kMaxHead);
  const std::string request = GoodRequest({"User-Agent: " + std::string(1000, 'a')});
  std::string_view in = request;
  EXPECT_EQ(upgrade.Feed(in), Upgrade::State::kAccepted);
  EXPECT_EQ(upgrade.user_agent(), std::string(Upgrade::kMaxUserAgentBytes, 'a'));
}

TEST(Upgrade, ForwardedForIsJoinedInItsOrder) {
  const BearerTokens none;
  Upgrade upgrade(none, kMaxHead);
  const std::string request = GoodRequest(
      {"X-Forwarded-For: 192.0.2.1, 192.0.2.2", "Other: x", "x-forwarded-for: 192.0.2.3"});
  std::string_view in = request;
  EXPECT_EQ(upgrade.Feed(in), Upgrade::State::kAccepted);
  EXPECT_EQ(upgrade.forwarded_for(), "192.0.2.1, 192.0.2.2,192.0.2.3");
}

TEST(Upgrade, ARequestThatDoesNotComeInTimeIsAnswered408) {
  EXPECT_THAT(Upgrade::TimeoutAnswer(), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(Head(Upgrade::TimeoutAnswer()), testing::Contains("connection: close"));
}

}  // namespace
}  // namespace cairn::edge

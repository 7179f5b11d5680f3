// Upgrade requests, valid and invalid ones, and the answers to them.
#ifndef CAIRN_TESTS_SUPPORT_UPGRADE_REQUESTS_H_
#define CAIRN_TESTS_SUPPORT_UPGRADE_REQUESTS_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "edge/upgrade.h"

namespace cairn::edge {

inline constexpr size_t kMaxHead = 64 << 10;
// RFC 6455 section 1.3.
inline constexpr char kKey[] = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr char kAccept[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

using Headers = std::vector<std::string>;

inline std::string Request(const std::string& request_line, const Headers& headers) {
  std::string text = request_line + "\r\n";
  for (const std::string& header : headers) text += header + "\r\n";
  return text + "\r\n";
}
// A valid request, followed by `extra` headers.
inline std::string GoodRequest(const Headers& extra = {}, const std::string& target = "/") {
  Headers headers = {"Host: signal.example", "Upgrade: websocket", "Connection: Upgrade",
                     std::string("Sec-WebSocket-Key: ") + kKey, "Sec-WebSocket-Version: 13"};
  headers.insert(headers.end(), extra.begin(), extra.end());
  return Request("GET " + target + " HTTP/1.1", headers);
}
// A valid request with one of its headers replaced, or left out.
inline std::string GoodRequestBut(const std::string& header, const std::string& instead) {
  std::string text = GoodRequest();
  const size_t at = text.find(header + ":");
  EXPECT_NE(at, text.npos);
  const size_t size = text.find("\r\n", at) + 2 - at;
  return text.replace(at, size, instead.empty() ? "" : instead + "\r\n");
}

struct Outcome {
  Upgrade::State state;
  int status;
  CloseReason reason;
  std::string answer;
};

inline Outcome Try(const std::string& request, const BearerTokens& tokens = {},
                   size_t max_head = kMaxHead) {
  Upgrade upgrade(tokens, max_head);
  std::string_view in = request;
  const Upgrade::State state = upgrade.Feed(in);
  return {state, upgrade.status(), upgrade.reason(), upgrade.answer()};
}

inline void ExpectAccepted(const std::string& request, const BearerTokens& tokens = {}) {
  EXPECT_EQ(Try(request, tokens).state, Upgrade::State::kAccepted) << request.substr(0, 500);
}
inline void ExpectRefused(const std::string& request, int status, const BearerTokens& tokens = {}) {
  const Outcome outcome = Try(request, tokens);
  EXPECT_EQ(outcome.state, Upgrade::State::kRefused) << request.substr(0, 500);
  EXPECT_EQ(outcome.status, status) << request.substr(0, 500);
  EXPECT_EQ(outcome.reason,
            status == 401 ? CloseReason::kUnauthorized : CloseReason::kUpgradeRefused);
  EXPECT_THAT(outcome.answer, testing::StartsWith("HTTP/1.1 " + std::to_string(status) + " "));
  EXPECT_THAT(outcome.answer, testing::HasSubstr("\r\nConnection: "));
}

// Lines of the head without their line ends, sorted behind the status line, names in lower case.
inline std::vector<std::string> Head(const std::string& answer) {
  std::vector<std::string> lines;
  size_t begin = 0;
  for (size_t end; (end = answer.find("\r\n", begin)) != begin; begin = end + 2) {
    EXPECT_NE(end, answer.npos);
    std::string line = answer.substr(begin, end - begin);
    if (!lines.empty()) {
      std::transform(line.begin(), line.begin() + static_cast<ptrdiff_t>(line.find(':')),
                     line.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
    }
    lines.push_back(line);
  }
  std::sort(lines.begin() + 1, lines.end());
  return lines;
}

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_UPGRADE_REQUESTS_H_

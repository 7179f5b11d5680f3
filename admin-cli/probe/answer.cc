#include "admin-cli/probe/answer.h"

#include <fmt/format.h>

namespace cairn::admin {
namespace {

std::string Advice(const UpgradeAnswer& answer, bool token_was_sent) {
  switch (answer.status) {
    case 401:
      return token_was_sent
                 ? "the token is wrong: give the one that clients have with --auth-token-file"
                 : "clients need a token: give it with --auth-token-file";
    case 403:
      return "something before the server forbids it: look at the proxy's rules";
    case 404:
      return "this path is not the server's: is a proxy in between, with another path for it?";
    case 426:
    case 400:
    case 405:
      return "the server saw no WebSocket upgrade: does a proxy in between take the Upgrade header "
             "away?";
    case 431:
      return "the request is too large: is the token right?";
    case 429:
      return "too many requests: a proxy in between limits them";
    case 502:
    case 503:
    case 504:
      return "a proxy answers, but cannot reach the edge behind it: is that running?";
    default:
      break;
  }
  if (answer.status >= 300 && answer.status < 400)
    return fmt::format("it redirects to '{}': give that URL", answer.location);
  return "this is a web server, not a signaling server: are host, port and path right?";
}

}  // namespace

std::string ExplainAnswer(const UpgradeAnswer& answer, bool token_was_sent) {
  const std::string server = answer.server.empty() ? "" : fmt::format(" from {}", answer.server);
  const std::string again =
      answer.retry_after.empty()
          ? ""
          : fmt::format("; it says when to come again (Retry-After): {}", answer.retry_after);
  return fmt::format("HTTP {}{}: {}{}", answer.status, server, Advice(answer, token_was_sent),
                     again);
}

}  // namespace cairn::admin

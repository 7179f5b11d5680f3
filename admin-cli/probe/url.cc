#include "admin-cli/probe/url.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/host_port.h"

namespace cairn::admin {

absl::StatusOr<ProbeUrl> ProbeUrl::Parse(std::string_view text) {
  const auto refuse = [text](std::string_view why) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' {}; give one such as wss://signal.example.org/", text, why));
  };
  ProbeUrl url;
  const size_t colon = text.find("://");
  // Schemes are case-insensitive (RFC 3986 section 3.1).
  const std::string scheme =
      absl::AsciiStrToLower(absl::string_view(text.data(), std::min(colon, text.size())));
  if (colon == text.npos || (scheme != "ws" && scheme != "wss"))
    return refuse("is not a ws:// or wss:// URL");
  url.tls = scheme == "wss";
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const size_t path = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, path);
  url.target = std::string(rest.substr(path));
  if (url.target.empty() || url.target.front() != '/') url.target = '/' + url.target;
  const bool sendable =
      std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!sendable) return refuse("has characters that a URL cannot have");
  absl::StatusOr<HostPort> parts = ParseHostPort(authority);
  if (!parts.ok()) return refuse("has no HOST or HOST:PORT");
  url.host = parts->host;
  url.port = !parts->port.empty() ? parts->port : url.tls ? "443" : "80";
  url.host_header = std::string(authority);
  return url;
}

}  // namespace cairn::admin

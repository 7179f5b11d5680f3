#include "base/host_port.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "base/address.h"

namespace cairn {
namespace {

bool IsPort(std::string_view text) {
  uint32_t port = 0;
  const bool digits =
      !text.empty() && text.front() != '0' && text.find_first_not_of("0123456789") == text.npos;
  return digits && absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &port) &&
         port > 0 && port < 65536;
}

bool IsHost(const std::string& host) {
  if (host.find(':') != host.npos)
    return host[0] != '[' && SocketAddress::Parse(absl::StrCat("[", host, "]:1")).ok();
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_';
  });
}

absl::Status NotHostPort(std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", absl::CHexEscape(absl::string_view(text.data(), text.size())),
                   "' is not HOST:PORT (such as core.example.org:7443)"));
}

}  // namespace

absl::StatusOr<HostPort> ParseHostPort(std::string_view text) {
  HostPort result;
  std::string_view rest;
  const bool bracket = !text.empty() && text.front() == '[';
  if (bracket) {
    const size_t end = std::min(text.find(']'), text.size());
    result.host = std::string(text.substr(1, end - 1));
    rest = text.substr(std::min(end + 1, text.size()));
  } else if (std::count(text.begin(), text.end(), ':') > 1) {
    result.host = std::string(text);
  } else {
    result.host = std::string(text.substr(0, text.find(':')));
    rest = text.substr(result.host.size());
  }
  if (!rest.empty()) result.port = std::string(rest.substr(1));
  const bool good_rest = rest.empty() || (rest.front() == ':' && IsPort(result.port));
  const bool good_bracket = !bracket || text.find(']') != text.npos;
  if (!good_rest || !good_bracket || !IsHost(result.host)) return NotHostPort(text);
  return result;
}

absl::Status CheckGrpcTarget(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) {
    if (text.find_first_not_of('/', kUnix.size()) != text.npos) return absl::OkStatus();
    return absl::InvalidArgumentError("'unix:' lacks the path of a socket");
  }
  std::string_view rest = text;
  for (const std::string_view scheme : {"dns:///", "dns:", "ipv4:", "ipv6:"}) {
    if (!rest.starts_with(scheme)) continue;
    rest.remove_prefix(scheme.size());
    break;
  }
  const absl::StatusOr<HostPort> parts = ParseHostPort(rest);
  if (parts.ok() && !parts->port.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(NotHostPort(text).message(), " or unix:PATH"));
}

std::string JoinHostPort(std::string_view host, std::string_view port) {
  const absl::string_view h(host.data(), host.size()), p(port.data(), port.size());
  return host.find(':') == host.npos ? absl::StrCat(h, ":", p) : absl::StrCat("[", h, "]:", p);
}

}  // namespace cairn

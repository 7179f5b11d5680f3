#include "admin-cli/core_address.h"

#include <absl/status/status.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/address.h"

namespace cairn::admin {
namespace {

constexpr std::string_view kDefaultPort = "7443";

bool IsPort(std::string_view text) {
  uint32_t port = 0;
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  return digits && absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &port) &&
         port > 0 && port < 65536;
}

bool IsLocal(std::string_view host) {
  if (host == "localhost") return true;
  const absl::StatusOr<SocketAddress> address =
      SocketAddress::Parse(JoinHostPort(host, kDefaultPort));
  return address.ok() && address->IsLoopback();
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
  const bool good_host = good_bracket && !result.host.empty() &&
                         result.host.find_first_of(" /@[]?#%") == std::string::npos;
  if (!good_rest || !good_host) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not HOST:PORT (such as core.example.org:7443)", text));
  }
  return result;
}

std::string JoinHostPort(std::string_view host, std::string_view port) {
  return host.find(':') == host.npos ? fmt::format("{}:{}", host, port)
                                     : fmt::format("[{}]:{}", host, port);
}

absl::StatusOr<CoreAddress> CoreAddress::Parse(std::string_view text) {
  if (text.substr(0, 5) == "unix:") {
    if (text.size() == 5) return absl::InvalidArgumentError("'unix:' lacks the path of a socket");
    return CoreAddress{std::string(text), true};
  }
  absl::StatusOr<HostPort> parts = ParseHostPort(text);
  if (!parts.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("{} or unix:PATH", std::string(parts.status().message())));
  }
  const std::string_view port = parts->port.empty() ? kDefaultPort : std::string_view(parts->port);
  return CoreAddress{JoinHostPort(parts->host, port), IsLocal(parts->host)};
}

}  // namespace cairn::admin

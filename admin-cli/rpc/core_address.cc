#include "admin-cli/rpc/core_address.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include "base/address.h"

namespace cairn::admin {
namespace {

constexpr std::string_view kDefaultPort = "7443";

bool IsLocal(std::string_view host) {
  if (host == "localhost") return true;
  const absl::StatusOr<SocketAddress> address =
      SocketAddress::Parse(JoinHostPort(host, kDefaultPort));
  return address.ok() && address->IsLoopback();
}

}  // namespace

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

#include "server/health_check.h"

#include <absl/strings/str_cat.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace cairn::server {
namespace {

constexpr std::string_view kRequest =
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
constexpr std::string_view kAlive = "HTTP/1.1 200";

absl::Status Unreachable(const SocketAddress& address) {
  return absl::UnavailableError(
      absl::StrCat("no answer from ", address.ToString(), ": ", std::strerror(errno)));
}

SocketAddress Reachable(const SocketAddress& ops) {
  const std::string host = ops.Host();
  if (host == "0.0.0.0") return *SocketAddress::Parse(absl::StrCat("127.0.0.1:", ops.port()));
  if (host == "::") return *SocketAddress::Parse(absl::StrCat("[::1]:", ops.port()));
  return ops;
}

}  // namespace

absl::Status CheckHealth(const std::optional<SocketAddress>& ops) {
  if (!ops) {
    return absl::InvalidArgumentError(
        "--health-check needs --ops-listen-addr, as the server has it");
  }
  const SocketAddress address = Reachable(*ops);
  UniqueFd fd(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Unreachable(address);
  const timeval patience = absl::ToTimeval(kHealthCheckPatience);
  // SO_SNDTIMEO also bounds connect(): socket(7).
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(fd.get(), address.get(), address.size()) != 0) return Unreachable(address);
  if (send(fd.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(kRequest.size())) {
    return Unreachable(address);
  }
  std::string answer(kAlive.size(), '\0');
  const ssize_t size = recv(fd.get(), answer.data(), answer.size(), MSG_WAITALL);
  if (size < 0) return Unreachable(address);
  answer.resize(static_cast<size_t>(size));
  if (answer == kAlive) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(address.ToString(), " does not say that it is alive"));
}

}  // namespace cairn::server

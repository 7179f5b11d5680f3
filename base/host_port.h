// HostPort: a host and a port, written as one word.
//
// Form:   "HOST", "HOST:PORT", "::1", "[::1]", "[::1]:PORT"; the host is a name or an IP address.
// Errors: INVALID_ARGUMENT with the text and what was expected.
#ifndef CAIRN_BASE_HOST_PORT_H_
#define CAIRN_BASE_HOST_PORT_H_

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

namespace cairn {

struct HostPort {
  std::string host;  // without brackets
  std::string port;  // "" if there is none
};

absl::StatusOr<HostPort> ParseHostPort(std::string_view text);
// With brackets where the host needs them.
std::string JoinHostPort(std::string_view host, std::string_view port);

// What gRPC accepts as the address of a core: HOST:PORT, optionally after "dns:///", "ipv4:" or the
// like, or unix:PATH.
absl::Status CheckGrpcTarget(std::string_view text);

}  // namespace cairn

#endif  // CAIRN_BASE_HOST_PORT_H_

// CoreTarget: the address of a core, as an operator writes it.
//
// Form:   "HOST:PORT", "[2001:db8::1]:7443", "unix:PATH"; "dns:" and "unix://" as gRPC has them.
// Errors: INVALID_ARGUMENT with the text and what was expected.
#ifndef CAIRN_EDGE_CORE_TARGET_H_
#define CAIRN_EDGE_CORE_TARGET_H_

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

namespace cairn::edge {

struct CoreTarget {
  std::string unix_path;  // empty: host and port
  // A name, or an address without brackets.
  std::string host;
  std::string port;

  static absl::StatusOr<CoreTarget> Parse(std::string_view text);

  bool is_unix() const { return !unix_path.empty(); }
  // What HTTP/2 calls :authority.
  std::string Authority() const;
  // The name that the core's certificate must have.
  const std::string& CertificateName() const;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CORE_TARGET_H_

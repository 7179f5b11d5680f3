// ProbeUrl: the URL that clients connect to.
//
// Form:   "ws://HOST[:PORT][/PATH][?QUERY]" or "wss://..."; the default ports are 80 and 443.
// Errors: INVALID_ARGUMENT with what is wrong.
#ifndef CAIRN_ADMIN_CLI_PROBE_URL_H_
#define CAIRN_ADMIN_CLI_PROBE_URL_H_

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

namespace cairn::admin {

struct ProbeUrl {
  bool tls = false;
  std::string host;  // without brackets
  std::string port;
  std::string host_header;  // as the URL has it (RFC 9110 section 7.2)
  std::string target;       // path and query, at least "/"

  static absl::StatusOr<ProbeUrl> Parse(std::string_view text);
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PROBE_URL_H_

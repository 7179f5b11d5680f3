// Resolves a host name, with a time-out (which getaddrinfo() lacks).
#ifndef CAIRN_ADMIN_CLI_PROBE_RESOLVE_H_
#define CAIRN_ADMIN_CLI_PROBE_RESOLVE_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>
#include <vector>

#include "base/address.h"

namespace cairn::admin {

// The addresses in the order to try them, at least one. A query that is not answered in time
// continues on a thread of its own.
absl::StatusOr<std::vector<SocketAddress>> Resolve(const std::string& host, const std::string& port,
                                                   absl::Duration timeout);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PROBE_RESOLVE_H_

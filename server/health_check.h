// HealthCheck: asks another process of this program whether it is alive, as a container's health
// check does.
//
// Thread: the caller's, which blocks for at most kHealthCheckPatience in each step.
// Errors: UNAVAILABLE when there is no answer, or one other than 200; INVALID_ARGUMENT without an
//         address.
#ifndef CAIRN_SERVER_HEALTH_CHECK_H_
#define CAIRN_SERVER_HEALTH_CHECK_H_

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <optional>

#include "base/address.h"

namespace cairn::server {

inline constexpr absl::Duration kHealthCheckPatience = absl::Seconds(3);

// `ops`: the --ops-listen-addr of the other process; for a wildcard address, loopback is asked.
absl::Status CheckHealth(const std::optional<SocketAddress>& ops);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_HEALTH_CHECK_H_

// Explains a socket error, and what to do.
#ifndef CAIRN_ADMIN_CLI_PROBE_ERROR_H_
#define CAIRN_ADMIN_CLI_PROBE_ERROR_H_

#include <absl/status/status.h>

#include <boost/system/error_code.hpp>

namespace cairn::admin {

// OK, DEADLINE_EXCEEDED for a time-out, else UNAVAILABLE.
absl::Status ProbeStatus(const boost::system::error_code& error);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PROBE_ERROR_H_

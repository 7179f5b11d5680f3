// CoreAddress: the core's address, as the user writes it and as gRPC takes it.
//
// Form:   "HOST", "HOST:PORT", "[::1]:PORT" or "unix:PATH"; the default port is 7443.
// Errors: INVALID_ARGUMENT with the text and what was expected.
#ifndef CAIRN_ADMIN_CLI_RPC_CORE_ADDRESS_H_
#define CAIRN_ADMIN_CLI_RPC_CORE_ADDRESS_H_

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "base/host_port.h"

namespace cairn::admin {

struct CoreAddress {
  std::string target;     // for gRPC
  bool is_local = false;  // traffic to it does not leave this machine

  static absl::StatusOr<CoreAddress> Parse(std::string_view text);
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_RPC_CORE_ADDRESS_H_

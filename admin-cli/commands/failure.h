// Failure: an error as one line that tells the user what to do, and its exit code.
#ifndef CAIRN_ADMIN_CLI_COMMANDS_FAILURE_H_
#define CAIRN_ADMIN_CLI_COMMANDS_FAILURE_H_

#include <absl/status/status.h>

#include <string>

#include "admin-cli/exit_code.h"
#include "admin-cli/rpc/connection_options.h"

namespace cairn::admin {

struct Failure {
  ExitCode exit_code;
  std::string text;  // one line, printable, without a line feed
};

// Explains the status of a call to the core of that connection.
Failure Explain(const absl::Status& status, const ConnectionOptions& connection);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_COMMANDS_FAILURE_H_

// Options: what the command line, the environment and the configuration file ask of cairn-admin.
//
// Flags win over CAIRN_ADMIN_* variables, which win over the file, which wins over defaults. --help
// and docs/cairn-admin.1 list them all; a test compares the two.
//
// Errors: ParseOptions() says in one line what is invalid and what to give instead.
#ifndef CAIRN_ADMIN_CLI_COMMAND_LINE_OPTIONS_H_
#define CAIRN_ADMIN_CLI_COMMAND_LINE_OPTIONS_H_

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "admin-cli/command_line/command_tree.h"
#include "admin-cli/command_line/commands.h"
#include "admin-cli/printing/output_options.h"
#include "admin-cli/rpc/connection_options.h"

namespace cairn::admin {

struct Options {
  ConnectionOptions connection;
  OutputOptions output;
  Command command;
};

// What main() is to do next.
struct ParseResult {
  // Absent when nothing is to be run: --help, --version, or an error. Then exit with exit_code.
  std::optional<Options> options;
  int exit_code = 0;
};

// Prints help and version on `out`, errors on `err` (those of `check` on `out`, as monitoring
// expects). Overwrites tokens in argv, so that a process list does not show them.
ParseResult ParseOptions(int argc, char** argv, std::ostream& out, std::ostream& err);

// Every command and option, for completions and tests.
CommandTree DescribeCommandLine();

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_COMMAND_LINE_OPTIONS_H_

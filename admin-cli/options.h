// Options: what the command line, the environment and the configuration file ask of cairn-admin.
//
// Flags win over CAIRN_ADMIN_* variables, which win over the file, which wins over defaults. --help
// and docs/cairn-admin.1 list them all; a test compares the two. Errors: ParseOptions() says in one
// line what cannot stand and what to give instead.
#ifndef CAIRN_ADMIN_CLI_OPTIONS_H_
#define CAIRN_ADMIN_CLI_OPTIONS_H_

#include <absl/time/time.h>

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "admin-cli/command_tree.h"
#include "admin-cli/commands.h"

namespace cairn::admin {

// How to reach the core and what to show it.
struct ConnectionOptions {
  std::string core = "127.0.0.1:7443";  // HOST, HOST:PORT or unix:PATH
  std::string token;
  std::string token_file;
  std::string tls_ca;
  std::string tls_cert;
  std::string tls_key;
  std::string tls_server_name;
  bool insecure = false;  // the token may cross a network without TLS
  absl::Duration timeout = absl::Seconds(5);
};

enum class Form { kTable, kJson };

struct OutputOptions {
  Form form = Form::kTable;
  bool wide = false;
  bool no_color = false;
};

struct Options {
  ConnectionOptions connection;
  OutputOptions output;
  Command command;
};

// What main() is to do next.
struct ParseResult {
  // Absent when there is nothing to run: --help, --version, or a mistake. Then exit with exit_code.
  std::optional<Options> options;
  int exit_code = 0;
};

// Prints help and version on `out`, mistakes on `err` (those of `check` on `out`, as monitoring
// wants it). Overwrites tokens in argv, so that a process list does not show them.
ParseResult ParseOptions(int argc, char** argv, std::ostream& out, std::ostream& err);

// Every command and option, for completions and tests.
CommandTree DescribeCommandLine();

extern const std::string_view kVersion;

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_OPTIONS_H_

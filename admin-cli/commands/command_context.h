// CommandContext: what every command works with: the core's client, the options, input and output.
//
// Thread: one.
#ifndef CAIRN_ADMIN_CLI_COMMANDS_COMMAND_CONTEXT_H_
#define CAIRN_ADMIN_CLI_COMMANDS_COMMAND_CONTEXT_H_

#include <absl/status/status.h>
#include <google/protobuf/message.h>

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "admin-cli/command_line/options.h"
#include "admin-cli/printing/table.h"
#include "admin-cli/rpc/fleet_client.h"
#include "base/clock.h"

namespace cairn::admin {

struct CommandContext {
  // Borrowed; must outlive this.
  FleetClient& client;
  const Options& options;
  std::ostream* out;
  std::ostream& err;
  std::istream& in;
  const Clock& clock;

  Style style;
  bool on_terminal = false;  // `out` is a terminal
  bool can_ask = false;      // `in` and `err` are terminals

  bool json() const { return options.output.form == Form::kJson; }
  absl::Time now() const { return clock.WallTime(); }

  void PrintJson(const google::protobuf::Message& message);
  // Prints one line on `err` that says what to do. Returns the exit code. `not_found` replaces the
  // core's text for NOT_FOUND.
  int Fail(const absl::Status& status, std::string_view not_found = "");
  int Fail(int exit_code, std::string_view text);
  // Asks on the terminal; without a terminal, says that --yes is needed. Returns kOk if the answer
  // is yes; otherwise the exit code.
  int Confirm(std::string_view question);
};

// Names the cores of the fleet that did not answer, if there are any. Returns the exit code:
// `code`, or kIncomplete.
int WithMissing(CommandContext& context, int code);

// Runs `once`; unless `every` is 0, repeats it at that interval until interrupted. On a terminal
// the screen is redrawn. Stops at the first code that is not 0, and returns it.
int Repeat(CommandContext& context, absl::Duration every,
           const std::function<int(CommandContext&)>& once);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_COMMANDS_COMMAND_CONTEXT_H_

// Run: executes the command that was parsed; the composition root of cairn-admin.
#ifndef CAIRN_ADMIN_CLI_COMMANDS_RUN_H_
#define CAIRN_ADMIN_CLI_COMMANDS_RUN_H_

#include "admin-cli/command_line/commands.h"
#include "admin-cli/command_line/options.h"
#include "admin-cli/commands/command_context.h"
#include "admin-cli/exit_code.h"

namespace cairn::admin {

// On stdin, stdout and stderr.
int Run(const Options& options);

// Each command is implemented in its own file. Returns the exit code.
int RunCommand(CommandContext& context, const StatusCommand& command);
int RunCommand(CommandContext& context, const PeersListCommand& command);
int RunCommand(CommandContext& context, const PeersShowCommand& command);
int RunCommand(CommandContext& context, const PeersKickCommand& command);
int RunCommand(CommandContext& context, const TopicsListCommand& command);
int RunCommand(CommandContext& context, const TopicsShowCommand& command);
int RunCommand(CommandContext& context, const EdgesListCommand& command);
int RunCommand(CommandContext& context, const EdgesShowCommand& command);
int RunCommand(CommandContext& context, const EdgesDrainCommand& command);
int RunCommand(CommandContext& context, const CoresListCommand& command);
int RunCommand(CommandContext& context, const CoresDrainCommand& command);
int RunCommand(CommandContext& context, const WatchCommand& command);
int RunCommand(CommandContext& context, const TraceCommand& command);
int RunCommand(CommandContext& context, const TopCommand& command);
int RunCommand(CommandContext& context, const LogLevelCommand& command);
int RunCommand(CommandContext& context, const CheckCommand& command);

// These need no connection to a core.
int RunProbe(const ProbeCommand& command, const Options& options, std::ostream& out,
             std::ostream& err);
int RunCompletion(const CompletionCommand& command, std::ostream& out);
int RunVersion(const Options& options, std::ostream& out);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_COMMANDS_RUN_H_

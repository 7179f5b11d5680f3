// Run: from options to an exit code; the composition of everything here.
#ifndef CAIRN_ADMIN_CLI_RUN_H_
#define CAIRN_ADMIN_CLI_RUN_H_

#include "admin-cli/commands.h"
#include "admin-cli/exit_code.h"
#include "admin-cli/options.h"
#include "admin-cli/session.h"

namespace cairn::admin {

// On stdin, stdout and stderr.
int Run(const Options& options);

// What each command does, in its own file. Returns the exit code.
int RunCommand(Session& session, const StatusCommand& command);
int RunCommand(Session& session, const PeersListCommand& command);
int RunCommand(Session& session, const PeersShowCommand& command);
int RunCommand(Session& session, const PeersKickCommand& command);
int RunCommand(Session& session, const TopicsListCommand& command);
int RunCommand(Session& session, const TopicsShowCommand& command);
int RunCommand(Session& session, const EdgesListCommand& command);
int RunCommand(Session& session, const EdgesShowCommand& command);
int RunCommand(Session& session, const EdgesDrainCommand& command);
int RunCommand(Session& session, const WatchCommand& command);
int RunCommand(Session& session, const TraceCommand& command);
int RunCommand(Session& session, const TopCommand& command);
int RunCommand(Session& session, const LogLevelCommand& command);
int RunCommand(Session& session, const CheckCommand& command);

// These need no core.
int RunProbe(const ProbeCommand& command, const Options& options, std::ostream& out,
             std::ostream& err);
int RunCompletion(const CompletionCommand& command, std::ostream& out);
int RunVersion(const Options& options, std::ostream& out);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_RUN_H_

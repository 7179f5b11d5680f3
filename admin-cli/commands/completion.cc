#include "admin-cli/command_line/completion.h"

#include <ostream>

#include "admin-cli/commands/run.h"

namespace cairn::admin {

int RunCompletion(const CompletionCommand& command, std::ostream& out) {
  const CommandTree tree = DescribeCommandLine();
  out << (command.shell == "bash"  ? BashCompletion(tree)
          : command.shell == "zsh" ? ZshCompletion(tree)
                                   : FishCompletion(tree));
  return kOk;
}

}  // namespace cairn::admin

// Completion scripts for bash, zsh and fish, generated from a CommandTree.
//
// Thread: any; no state.
#ifndef CAIRN_ADMIN_CLI_COMMAND_LINE_COMPLETION_H_
#define CAIRN_ADMIN_CLI_COMMAND_LINE_COMPLETION_H_

#include <functional>
#include <string>
#include <vector>

#include "admin-cli/command_line/command_tree.h"

namespace cairn::admin {

std::string BashCompletion(const CommandTree& tree);
std::string ZshCompletion(const CommandTree& tree);
std::string FishCompletion(const CommandTree& tree);

// Calls `each` for every command, the root first, with its path: "" for the root, "/peers",
// "/peers/list".
void ForEachCommand(
    const CommandTree& tree,
    const std::function<void(const std::string& path, const CommandTree& command)>& each);

// In single quotes, as POSIX shells read them.
std::string ShellQuote(const std::string& text);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_COMMAND_LINE_COMPLETION_H_

#include "admin-cli/completion.h"

#include <absl/strings/str_replace.h>

#include <ostream>

#include "admin-cli/run.h"

namespace cairn::admin {
namespace {

void Walk(const CommandTree& command, const std::string& path,
          const std::function<void(const std::string&, const CommandTree&)>& each) {
  each(path, command);
  for (const CommandTree& sub : command.commands) Walk(sub, path + "/" + sub.name, each);
}

}  // namespace

void ForEachCommand(const CommandTree& tree,
                    const std::function<void(const std::string&, const CommandTree&)>& each) {
  Walk(tree, "", each);
}

std::string ShellQuote(const std::string& text) {
  return "'" + absl::StrReplaceAll(text, {{"'", "'\\''"}}) + "'";
}

int RunCompletion(const CompletionCommand& command, std::ostream& out) {
  const CommandTree tree = DescribeCommandLine();
  out << (command.shell == "bash"  ? BashCompletion(tree)
          : command.shell == "zsh" ? ZshCompletion(tree)
                                   : FishCompletion(tree));
  return kOk;
}

}  // namespace cairn::admin

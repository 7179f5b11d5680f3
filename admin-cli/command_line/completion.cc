#include "admin-cli/command_line/completion.h"

#include <absl/strings/str_replace.h>

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

}  // namespace cairn::admin

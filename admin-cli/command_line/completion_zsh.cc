#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <fmt/format.h>

#include "admin-cli/command_line/completion.h"

namespace cairn::admin {
namespace {

std::string FunctionName(const std::string& path) {
  return "_cairn_admin" + absl::StrReplaceAll(path, {{"/", "_"}, {"-", "_"}});
}

// Escapes a part of an _arguments specification.
std::string Escape(const std::string& text) {
  return absl::StrReplaceAll(text, {{"[", "\\["}, {"]", "\\]"}, {":", "\\:"}});
}

std::string Action(const OptionNode& option) {
  if (!option.choices.empty()) return fmt::format("({})", absl::StrJoin(option.choices, " "));
  return option.takes_file() ? "_files" : " ";
}

std::vector<std::string> OptionSpecs(const OptionNode& option) {
  std::vector<std::string> specs;
  for (const std::string& name : option.names) {
    const char* assign = option.metavar.empty() || option.names.empty() ? ""
                         : name.substr(0, 2) == "--"                    ? "="
                                                                        : "+";
    std::string spec = fmt::format("{}{}[{}]", name, assign, Escape(option.text));
    if (!option.metavar.empty()) {
      spec += fmt::format("{}:{}:{}", option.value_is_optional ? ":" : "", Escape(option.metavar),
                          Action(option));
    }
    specs.push_back(ShellQuote(spec));
  }
  return specs;
}

std::string Function(const std::string& path, const CommandTree& command) {
  std::string text = fmt::format(
      "{}() {{\n  local curcontext=$curcontext state line\n  _arguments -C -s", FunctionName(path));
  if (!path.empty()) text += " $_cairn_admin_global";
  for (const OptionNode& option : command.options) {
    if (!path.empty() && option.names.back() == "--help") continue;  // a global option
    for (const std::string& spec : OptionSpecs(option)) text += " \\\n    " + spec;
  }
  for (const OptionNode& positional : command.positionals) {
    text += fmt::format(" \\\n    {}", ShellQuote(fmt::format(":{}:{}", Escape(positional.names[0]),
                                                              Action(positional))));
  }
  if (command.commands.empty()) return text + "\n}\n";
  text +=
      " \\\n    '1: :->command' '*:: :->rest'\n  case $state in\n    command)\n      local -a "
      "commands=(";
  for (const CommandTree& sub : command.commands)
    text += "\n        " + ShellQuote(sub.name + ":" + Escape(sub.text));
  text += ")\n      _describe command commands ;;\n    rest)\n      case $line[1] in\n";
  for (const CommandTree& sub : command.commands) {
    text += fmt::format("        {}) {} ;;\n", sub.name, FunctionName(path + "/" + sub.name));
  }
  return text + "      esac ;;\n  esac\n}\n";
}

}  // namespace

std::string ZshCompletion(const CommandTree& tree) {
  std::string script =
      "#compdef cairn-admin\n"
      "# zsh completion for cairn-admin: put it as _cairn_admin into a directory of $fpath.\n"
      "typeset -ga _cairn_admin_global=(";
  for (const OptionNode& option : tree.options) {
    for (const std::string& spec : OptionSpecs(option)) script += "\n  " + spec;
  }
  script += ")\n";
  ForEachCommand(tree, [&](const std::string& path, const CommandTree& command) {
    script += Function(path, command);
  });
  return script +
         "if [[ $funcstack[1] == _cairn_admin ]]; then _cairn_admin \"$@\"; else compdef "
         "_cairn_admin cairn-admin; fi\n";
}

}  // namespace cairn::admin

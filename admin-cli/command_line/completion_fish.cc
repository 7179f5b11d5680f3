#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <fmt/format.h>

#include <set>

#include "admin-cli/command_line/completion.h"

namespace cairn::admin {
namespace {

constexpr char kFishHead[] =
    R"(# fish completion for cairn-admin: put it into ~/.config/fish/completions/cairn-admin.fish
function __cairn_admin_at
    set -l at ''
    set -l is_value no
    for word in (commandline -opc)[2..-1]
        if test $is_value = yes
            set is_value no
            continue
        end
        switch $word
            case VALUED
                set is_value yes
        end
        switch $at/$word
            case PATHS
                set at $at/$word
        end
    end
    test "$at" = "$argv[1]"
end
complete -c cairn-admin -f
)";

std::string Quote(const std::string& text) {
  return "'" + absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}}) + "'";
}

std::string OptionLine(const std::string& condition, const OptionNode& option) {
  std::string line = "complete -c cairn-admin" + condition;
  for (const std::string& name : option.names) {
    line += name.substr(0, 2) == "--" ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  // fish has no optional values: it would always ask for one.
  if (!option.metavar.empty() && !option.value_is_optional)
    line += option.takes_file() ? " -r -F" : " -x";
  if (!option.choices.empty()) line += " -a " + Quote(absl::StrJoin(option.choices, " "));
  return line + " -d " + Quote(option.text) + "\n";
}

}  // namespace

std::string FishCompletion(const CommandTree& tree) {
  std::vector<std::string> paths;
  std::set<std::string> valued;  // options that take a value
  std::string lines;
  ForEachCommand(tree, [&](const std::string& path, const CommandTree& command) {
    if (!path.empty()) paths.push_back(path);
    const std::string condition = fmt::format(" -n '__cairn_admin_at \"{}\"'", path);
    for (const CommandTree& sub : command.commands) {
      lines += fmt::format("complete -c cairn-admin{} -a {} -d {}\n", condition, sub.name,
                           Quote(sub.text));
    }
    for (const OptionNode& positional : command.positionals) {
      if (positional.choices.empty()) continue;
      lines += fmt::format("complete -c cairn-admin{} -a {}\n", condition,
                           Quote(absl::StrJoin(positional.choices, " ")));
    }
    for (const OptionNode& option : command.options) {
      const bool is_help = !path.empty() && option.names.back() == "--help";
      // Options of the root are accepted anywhere.
      if (!option.metavar.empty() && !option.value_is_optional) {
        valued.insert(option.names.begin(), option.names.end());
      }
      if (!is_help) lines += OptionLine(path.empty() ? "" : condition, option);
    }
  });
  std::string script = kFishHead;
  script.replace(script.find("VALUED"), 6, absl::StrJoin(valued, " "));
  script.replace(script.find("PATHS"), 5, absl::StrJoin(paths, " "));
  return script + lines;
}

}  // namespace cairn::admin

#include <absl/strings/str_join.h>
#include <fmt/format.h>

#include <map>
#include <set>

#include "admin-cli/command_line/completion.h"

namespace cairn::admin {
namespace {

constexpr char kBashHead[] =
    R"sh(# bash completion for cairn-admin. For this shell: eval "$(cairn-admin completion bash)"
_cairn_admin() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= word i
  # bash takes "--option=value" for three words.
  if [[ $cur == '=' ]]; then cur=; elif [[ $prev == '=' ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
      VALUED)
        [[ ${COMP_WORDS[i+1]} == '=' ]] && ((i++))
        ((i++))
        continue ;;
    esac
    case $path/$word in
      PATHS) path=$path/$word ;;
    esac
  done
)sh";
constexpr char kTail[] = R"sh(  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _cairn_admin cairn-admin
)sh";

std::string Patterns(const std::set<std::string>& words) { return absl::StrJoin(words, "|"); }

void Replace(std::string& text, const std::string& mark, const std::string& with) {
  text.replace(text.find(mark), mark.size(), with);
}

// Completes the value of an option: its choices, files, or nothing for free text.
std::string ValueCases(const CommandTree& tree) {
  std::string cases = "  case \"$path $prev\" in\n";
  ForEachCommand(tree, [&](const std::string& path, const CommandTree& command) {
    for (const OptionNode& option : command.options) {
      if (option.metavar.empty() || option.value_is_optional) continue;
      // Options of the root are accepted anywhere.
      const std::string where = path.empty() ? "*" : path;
      std::vector<std::string> patterns;
      for (const std::string& name : option.names)
        patterns.push_back(fmt::format("{}' {}'", where, name));
      const std::string action =
          !option.choices.empty()
              ? fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$cur\")); return",
                            absl::StrJoin(option.choices, " "))
          : option.takes_file()
              ? "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")); return"
              : "return";
      cases += fmt::format("    {}) {} ;;\n", absl::StrJoin(patterns, "|"), action);
    }
  });
  return cases + "  esac\n";
}

std::string WordCases(const CommandTree& tree) {
  std::string cases = "  local words=\n  case $path in\n";
  ForEachCommand(tree, [&](const std::string& path, const CommandTree& command) {
    std::vector<std::string> words;
    for (const CommandTree& sub : command.commands) words.push_back(sub.name);
    for (const OptionNode& positional : command.positionals) {
      words.insert(words.end(), positional.choices.begin(), positional.choices.end());
    }
    for (const OptionNode& option : command.options)
      words.insert(words.end(), option.names.begin(), option.names.end());
    cases += fmt::format("    '{}') words='{}' ;;\n", path, absl::StrJoin(words, " "));
  });
  std::vector<std::string> global;
  for (const OptionNode& option : tree.options)
    global.insert(global.end(), option.names.begin(), option.names.end());
  return cases +
         fmt::format("  esac\n  [[ $cur == -* ]] && words+=' {}'\n", absl::StrJoin(global, " "));
}

}  // namespace

std::string BashCompletion(const CommandTree& tree) {
  std::set<std::string> valued;
  std::set<std::string> paths;
  ForEachCommand(tree, [&](const std::string& path, const CommandTree& command) {
    if (!path.empty()) paths.insert(path);
    for (const OptionNode& option : command.options) {
      if (!option.metavar.empty() && !option.value_is_optional)
        valued.insert(option.names.begin(), option.names.end());
    }
  });
  std::string script = kBashHead;
  Replace(script, "VALUED", Patterns(valued));
  Replace(script, "PATHS", Patterns(paths));
  return script + ValueCases(tree) + WordCases(tree) + kTail;
}

}  // namespace cairn::admin

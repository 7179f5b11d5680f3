// CommandTree: every command and option of the command line, as data.
#ifndef CAIRN_ADMIN_CLI_COMMAND_LINE_COMMAND_TREE_H_
#define CAIRN_ADMIN_CLI_COMMAND_LINE_COMMAND_TREE_H_

#include <string>
#include <vector>

namespace cairn::admin {

struct OptionNode {
  std::vector<std::string>
      names;  // with dashes, such as "-o", "--output"; one without for a positional
  std::string text;
  std::string metavar;  // "" for a switch
  bool value_is_optional = false;
  std::vector<std::string> choices;  // every accepted value; empty: free text

  bool takes_file() const { return metavar == "FILE"; }
};

struct CommandTree {
  std::string name;
  std::string text;
  std::vector<OptionNode> options;
  std::vector<OptionNode> positionals;
  std::vector<CommandTree> commands;
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_COMMAND_LINE_COMMAND_TREE_H_

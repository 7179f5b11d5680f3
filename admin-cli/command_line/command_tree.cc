#include "admin-cli/command_line/command_tree.h"

#include "admin-cli/command_line/flags.h"

namespace cairn::admin {
namespace {

OptionNode DescribeOption(const CLI::Option& option, const FlagBook& book) {
  OptionNode node;
  for (const std::string& name : option.get_snames()) node.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) node.names.push_back("--" + name);
  if (node.names.empty()) node.names.push_back(option.get_name(true));
  node.text = option.get_description();
  node.metavar = option.get_items_expected_max() > 0 ? option.get_type_name() : "";
  node.value_is_optional = option.get_expected_min() == 0;
  const auto choices = book.choices.find(&option);
  if (choices != book.choices.end()) {
    node.choices = choices->second;
    // The help lists the choices after a colon.
    node.text.resize(node.text.find(": "));
  }
  return node;
}

}  // namespace

CommandTree DescribeCommand(const CLI::App& app, const FlagBook& book) {
  CommandTree tree{app.get_name(), app.get_description(), {}, {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    (option->get_positional() ? tree.positionals : tree.options)
        .push_back(DescribeOption(*option, book));
  }
  for (const CLI::App* sub : app.get_subcommands({}))
    tree.commands.push_back(DescribeCommand(*sub, book));
  return tree;
}

}  // namespace cairn::admin

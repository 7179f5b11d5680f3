// HelpFormat: the layout of --help, in 80 columns.
//
// It prints only names, never values: the environment may hold a token.
#ifndef CAIRN_ADMIN_CLI_COMMAND_LINE_HELP_FORMAT_H_
#define CAIRN_ADMIN_CLI_COMMAND_LINE_HELP_FORMAT_H_

#include <CLI/App.hpp>
#include <CLI/Formatter.hpp>
#include <string>

namespace cairn::admin {

class HelpFormat final : public CLI::Formatter {
 public:
  HelpFormat();

  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
  std::string make_subcommand(const CLI::App* sub) const override;
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_COMMAND_LINE_HELP_FORMAT_H_

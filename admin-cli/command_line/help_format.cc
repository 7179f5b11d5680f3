#include "admin-cli/command_line/help_format.h"

#include <CLI/Config.hpp>
#include <sstream>
#include <string_view>

namespace cairn::admin {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kTextColumn = 27;

// Wraps the text to fit to the right of the names; CLI11 indents after each line feed.
std::string Wrap(std::string_view text) {
  std::string out;
  size_t column = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (column > 0 && column + 1 + end > kWidth - kTextColumn) {
      out += '\n';
      column = 0;
    } else if (column > 0) {
      out += ' ';
      ++column;
    }
    out += text.substr(0, end);
    column += end;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

HelpFormat::HelpFormat() {
  column_width(kTextColumn);
  label("Positionals", "Arguments");
}

std::string HelpFormat::make_option_name(const CLI::Option* option, bool is_positional) const {
  std::string names = Formatter::make_option_name(option, is_positional);
  if (const size_t comma = names.find(','); comma != names.npos) names.insert(comma + 1, " ");
  return names;
}

std::string HelpFormat::make_usage(const CLI::App* app, std::string name) const {
  std::string usage = "\nUsage: " + (name.empty() ? app->get_name() : name);
  for (const CLI::Option* option :
       app->get_options([](const CLI::Option* one) { return one->get_positional(); })) {
    usage += ' ' + make_option_usage(option);
  }
  usage += app->get_subcommands({}).empty() ? " [OPTIONS]" : " [OPTIONS] COMMAND";
  if (app->get_parent()) usage += "\nOptions that every command takes: cairn-admin --help";
  return usage + "\n";
}

std::string HelpFormat::make_option_opts(const CLI::Option* option) const {
  const std::string metavar = option->get_type_name();
  if (option->get_positional() || metavar.empty()) return "";
  return option->get_expected_min() == 0 ? " [" + metavar + "]" : " " + metavar;
}

std::string HelpFormat::make_option_desc(const CLI::Option* option) const {
  return Wrap(option->get_description());
}

std::string HelpFormat::make_subcommand(const CLI::App* sub) const {
  std::ostringstream out;
  CLI::detail::format_help(out, sub->get_display_name(true), Wrap(sub->get_description()),
                           kTextColumn);
  return out.str();
}

}  // namespace cairn::admin

// Flags: describes one command's options to CLI11.
//
// Every value goes through a Setter: the code that interprets a value also words the error message,
// and the environment and the configuration file can supply values after the command line was
// parsed.
//
// Owner:  ParseOptions(). What a Setter refers to must outlive the parse.
// Errors: a Setter's Status is thrown as a CLI::ParseError: CLI11 takes errors as exceptions.
#ifndef CAIRN_ADMIN_CLI_COMMAND_LINE_FLAGS_H_
#define CAIRN_ADMIN_CLI_COMMAND_LINE_FLAGS_H_

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <CLI/App.hpp>
#include <CLI/Option.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admin-cli/command_line/command_tree.h"
#include "admin-cli/command_line/commands.h"

namespace cairn::admin {

using Setter = std::function<absl::Status(const std::string&)>;

// Facts about options that CLI11 does not store.
struct FlagBook {
  // Options that the environment and the configuration file can set too.
  struct Fallback {
    const CLI::Option* option;
    Setter set;
  };
  std::vector<Fallback> fallbacks;
  std::function<absl::Status()> when_given;  // of the command that was given
  std::map<const CLI::Option*, std::vector<std::string>> choices;
};

class Flags {
 public:
  Flags(CLI::App& app, FlagBook& book) : app_(app), book_(book) {}

  // Adds a subcommand.
  Flags Sub(const char* name, const char* text);
  // Called when this command was given, after all setters and fallbacks.
  void WhenGiven(std::function<absl::Status()> then);

  // `names` in CLI11's syntax: "-o,--output"; without dashes it is a positional, which has no
  // metavar.
  CLI::Option* Add(const char* names, const char* metavar, const char* text, Setter set);
  CLI::Option* Text(const char* names, const char* metavar, const char* text, std::string& into);
  // As Text(); an empty value is refused: --tls-ca "$UNSET" must not mean plaintext.
  CLI::Option* NonEmptyText(const char* names, const char* metavar, const char* text,
                            std::string& into);
  CLI::Option* Count(const char* names, const char* metavar, const char* text,
                     std::function<void(uint32_t)> set);
  CLI::Option* Duration(const char* names, const char* text, absl::Duration& into);
  CLI::Option* Range(const char* names, const char* text, admin::Range& into);
  CLI::Option* Switch(const char* names, const char* text, const std::function<void(bool)>& set);
  CLI::Option* Choice(const char* names, const char* metavar, const char* text,
                      std::vector<std::pair<std::string, std::function<void()>>> choices);
  // --watch [SECS].
  void Watch(absl::Duration& every);

  // Makes the last option also settable by CAIRN_ADMIN_<NAME> and the configuration file.
  void WithFallback();

  CLI::App& app() { return app_; }

 private:
  CLI::App& app_;
  FlagBook& book_;
  FlagBook::Fallback last_ = {};  // of the last option that was added
};

// The command and its subcommands, as help, completions and tests need them.
CommandTree DescribeCommand(const CLI::App& app, const FlagBook& book);

// Each group of commands has its own file. When a command was given, it is stored in `chosen`.
void AddStatusCommand(Flags& root, Command& chosen);
void AddPeersCommands(Flags& root, Command& chosen);
void AddTopicsCommands(Flags& root, Command& chosen);
void AddEdgesCommands(Flags& root, Command& chosen);
void AddCoresCommands(Flags& root, Command& chosen);
void AddLiveCommands(Flags& root, Command& chosen);
void AddOtherCommands(Flags& root, Command& chosen);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_COMMAND_LINE_FLAGS_H_

#include "admin-cli/command_line/options.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_replace.h>
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdlib>
#include <cstring>
#include <ostream>

#include "admin-cli/command_line/fallbacks.h"
#include "admin-cli/command_line/flags.h"
#include "admin-cli/command_line/help_format.h"
#include "admin-cli/exit_code.h"
#include "admin-cli/printing/printable.h"
#include "proto/wire/utf8.h"

namespace cairn::admin {

namespace {

constexpr char kFooter[] =
    R"(Each option above but -h and -V can also be set as CAIRN_ADMIN_<OPTION>, such as
CAIRN_ADMIN_TLS_CA, or in ~/.config/cairn/admin.toml, a line each: core = "HOST"
Flags win over the environment, which wins over the file.
DURATION is a number of seconds or like 500ms, 1h30m, 14d; SIZE is like 512MiB.

Exit codes: 0 ok; 1 what was named is unknown or nothing matched; 2 bad usage;
3 the core cannot be reached; 4 it refused the credential; 5 any other error;
6 another core of the fleet did not answer, and what was told is without it.
check and probe have their own: see their --help.)";

class CommandLine {
 public:
  CommandLine();

  ParseResult Parse(int argc, char** argv, std::ostream& out, std::ostream& err);
  CommandTree Describe() const { return DescribeCommand(app_, book_); }

 private:
  void AddGlobal(Flags& root);
  void AddConnection(Flags& root);
  // What CLI11 cannot do: fallbacks, the command's own checks, checks of several options together.
  absl::Status Finish();
  absl::Status Validate();
  // Of a token and a token file, keeps the one whose source wins.
  absl::Status ChooseToken(const std::string& name, std::string& token, std::string& file);
  ParseResult UsageError(std::string text, std::ostream& out, std::ostream& err) const;
  const CLI::App& ParsedApp() const;

  CLI::App app_;
  FlagBook book_;
  Options options_;
  std::string config_path_;
  Sources sources_;
};

CommandLine::CommandLine()
    : app_("Asks a cairn core what is going on, and acts on it.", "cairn-admin") {
  app_.formatter(std::make_shared<HelpFormat>());
  app_.set_help_flag("-h,--help", "Print this help");
  app_.set_version_flag("-V,--version", "cairn-admin " CAIRN_VERSION, "Print the version");
  app_.require_subcommand(1);
  app_.footer(kFooter);
  Flags root(app_, book_);
  AddConnection(root);
  AddGlobal(root);
  AddStatusCommand(root, options_.command);
  AddPeersCommands(root, options_.command);
  AddTopicsCommands(root, options_.command);
  AddEdgesCommands(root, options_.command);
  AddCoresCommands(root, options_.command);
  AddLiveCommands(root, options_.command);
  AddOtherCommands(root, options_.command);
}

void CommandLine::AddConnection(Flags& root) {
  ConnectionOptions& connection = options_.connection;
  const auto add = [&root](const char* name, const char* metavar, const char* text,
                           std::string& into) {
    root.NonEmptyText(name, metavar, text, into);
    root.WithFallback();
  };
  add("--core", "ADDR", "The core: HOST:PORT or unix:PATH; default 127.0.0.1:7443",
      connection.core);
  add("--token", "TOKEN", "The operators' token; a file is safer", connection.token);
  add("--token-file", "FILE", "File with the operators' token", connection.token_file);
  add("--tls-ca", "FILE", "Use TLS; the core's certificate must be from these (PEM)",
      connection.tls_ca);
  add("--tls-cert", "FILE", "Our certificate chain (PEM), for mutual TLS", connection.tls_cert);
  add("--tls-key", "FILE", "The key of --tls-cert (PEM)", connection.tls_key);
  add("--tls-server-name", "NAME", "Name in the core's certificate, if not HOST",
      connection.tls_server_name);
  root.Switch("--insecure", "Allow a token to cross a network without TLS",
              [&](bool on) { connection.insecure = on; });
  root.WithFallback();
  add("--on", "NAME", "Ask this core of the fleet only, by name or id", connection.on);
  root.Duration("--timeout", "Longest wait for an answer; default 5s", connection.timeout);
  root.WithFallback();
}

void CommandLine::AddGlobal(Flags& root) {
  OutputOptions& output = options_.output;
  root.Choice("-o,--output", "FORM", "How to print",
              {{"table", [&output] { output.form = Form::kTable; }},
               {"json", [&output] { output.form = Form::kJson; }}});
  root.WithFallback();
  root.Switch("--wide", "Do not cut tables to the terminal",
              [&output](bool on) { output.wide = on; });
  root.WithFallback();
  root.Switch("--no-color", "No colours; NO_COLOR does the same",
              [&output](bool on) { output.no_color = on; });
  root.WithFallback();
  root.Text("--config", "FILE", "Instead of ~/.config/cairn/admin.toml", config_path_);
}

absl::Status CommandLine::Finish() {
  // These two must work in any environment: shells run `completion` when they start.
  const std::string& command = ParsedApp().get_name();
  if (command == "completion" || command == "version") return book_.when_given();
  absl::StatusOr<Sources> sources = ApplyFallbacks(book_, config_path_);
  if (!sources.ok()) return sources.status();
  sources_ = *std::move(sources);
  if (absl::Status status = book_.when_given(); !status.ok()) return status;
  return Validate();
}

absl::Status CommandLine::ChooseToken(const std::string& name, std::string& token,
                                      std::string& file) {
  const Source token_source = sources_[name];
  const Source file_source = sources_[name + "-file"];
  if (token_source == Source::kNone || file_source == Source::kNone) return absl::OkStatus();
  if (token_source == file_source) {
    return absl::InvalidArgumentError(fmt::format("give --{0} or --{0}-file, not both", name));
  }
  (token_source > file_source ? file : token).clear();
  return absl::OkStatus();
}

absl::Status CommandLine::Validate() {
  ConnectionOptions& connection = options_.connection;
  if (absl::Status chosen = ChooseToken("token", connection.token, connection.token_file);
      !chosen.ok())
    return chosen;
  if (connection.tls_cert.empty() != connection.tls_key.empty()) {
    return absl::InvalidArgumentError("--tls-cert and --tls-key go together: give both or neither");
  }
  if (connection.core.empty())
    return absl::InvalidArgumentError("--core is empty: give HOST:PORT or unix:PATH");
  if (connection.timeout <= absl::ZeroDuration())
    return absl::InvalidArgumentError("--timeout: give more than 0s");
  if (auto* probe = std::get_if<ProbeCommand>(&options_.command)) {
    if (app_.count("--token") > 0) {
      return absl::InvalidArgumentError(
          "--token is for the core; give the clients' token as --auth-token");
    }
    return ChooseToken("auth-token", probe->auth_token, probe->auth_token_file);
  }
  return absl::OkStatus();
}

// The innermost command that was given.
const CLI::App& CommandLine::ParsedApp() const {
  const CLI::App* app = &app_;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().back();
  return *app;
}

ParseResult CommandLine::UsageError(std::string text, std::ostream& out, std::ostream& err) const {
  std::string command;
  for (const CLI::App* app = &ParsedApp(); app; app = app->get_parent()) {
    command = fmt::format("{}{}{}", app->get_name(), command.empty() ? "" : " ", command);
  }
  const std::vector<std::string> rest = app_.remaining(true);
  if (text == "A subcommand is required") {
    text = rest.empty() ? fmt::format("'{}' needs a command", command)
                        : fmt::format("'{}' has no command '{}'", command, rest.front());
  }
  for (char& c : text) c = c == '\n' ? ' ' : c;
  if (app_.get_subcommand("check")->parsed()) {
    out << "CAIRN UNKNOWN - " << text << "\n";
    return {std::nullopt, 3};
  }
  err << "cairn-admin: " << text << "; try '" << command << " --help'\n";
  return {std::nullopt, kBadUsage};
}

// Overwrites the values of tokens in the arguments that the kernel shows.
void HideTokens(int argc, char** argv) {
  constexpr std::string_view kNames[] = {"--token", "--auth-token"};
  for (int i = 1; i < argc; ++i) {
    for (const std::string_view name : kNames) {
      const std::string_view argument = argv[i];
      char* value = nullptr;
      if (argument == name && i + 1 < argc) value = argv[++i];
      if (argument.size() > name.size() && argument[name.size()] == '=' &&
          argument.substr(0, name.size()) == name) {
        value = argv[i] + name.size() + 1;
      }
      if (value) std::memset(value, '*', std::strlen(value));
      if (value) break;
    }
  }
}

ParseResult CommandLine::Parse(int argc, char** argv, std::ostream& out, std::ostream& err) {
  for (int i = 1; i < argc; ++i) {
    // The value would be stored in a protobuf string, which must be UTF-8.
    if (!wire::IsUtf8(argv[i]))
      return UsageError(fmt::format("'{}' is not UTF-8", Printable(argv[i])), out, err);
  }
  std::string mistake;
  try {
    app_.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    out << app_.help();
    return {};
  } catch (const CLI::CallForVersion& version) {
    out << version.what() << "\n";
    return {};
  } catch (const CLI::ParseError& error) {
    mistake = error.what();
  }
  HideTokens(argc, argv);
  if (!mistake.empty()) return UsageError(mistake, out, err);
  if (const absl::Status status = Finish(); !status.ok())
    return UsageError(std::string(status.message()), out, err);
  return {options_, kOk};
}

}  // namespace

ParseResult ParseOptions(int argc, char** argv, std::ostream& out, std::ostream& err) {
  return CommandLine().Parse(argc, argv, out, err);
}

CommandTree DescribeCommandLine() { return CommandLine().Describe(); }

}  // namespace cairn::admin

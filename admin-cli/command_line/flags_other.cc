#include <fmt/format.h>

#include <memory>

#include "admin-cli/command_line/flags.h"
#include "admin-cli/printing/humane.h"

namespace cairn::admin {
namespace {

constexpr char kCheckFooter[] =
    "Exit codes: 0 OK, 1 WARNING, 2 CRITICAL (also: the core does not answer),\n"
    "3 UNKNOWN (bad usage, credential refused).\n"
    "A RANGE alerts outside of it: 100 is 0 to 100, 1: is 1 or more, 10:100; @10:20\n"
    "alerts inside.";
constexpr char kProbeFooter[] =
    "URL is ws://HOST[:PORT][/PATH] or wss://...; the operator's --token is not sent.\n"
    "Exit codes: 0 every step went well, 1 a step failed, 2 bad usage.";

void AddLogLevel(Flags& root, Command& chosen) {
  Flags flags = root.Sub("log-level", "Change what the core and its edges log");
  const auto level = std::make_shared<LogLevelCommand>();
  flags
      .Text("DIRECTIVES", "", "As RUST_LOG has them: info, cairn_signal::core=debug,warn",
            level->directives)
      ->required();
  flags.WhenGiven([level, &chosen] {
    chosen = *level;
    return absl::OkStatus();
  });
}

Setter AtMostSize(Range& into) {
  return [&into](const std::string& value) {
    const absl::StatusOr<uint64_t> size = ParseHumaneSize(value);
    if (size.ok()) into = Range::AtMost(static_cast<double>(*size));
    return size.status();
  };
}

void AddCheck(Flags& root, Command& chosen) {
  Flags flags = root.Sub("check", "One line and an exit code for monitoring");
  const auto check = std::make_shared<CheckCommand>();
  Thresholds& thresholds = check->thresholds;
  flags.Range("--peers-warning", "Warn when the number of peers is out of RANGE",
              thresholds.peers.warning);
  flags.Range("--peers-critical", "The same, critical", thresholds.peers.critical);
  flags.Range("--edges-warning", "Warn when the number of edges is out of RANGE",
              thresholds.edges.warning);
  flags.Range("--edges-critical", "The same, critical", thresholds.edges.critical);
  flags.Add("--memory-warning", "SIZE", "Warn when the core takes more memory",
            AtMostSize(thresholds.memory.warning));
  flags.Add("--memory-critical", "SIZE", "The same, critical",
            AtMostSize(thresholds.memory.critical));
  flags.Duration("--certificate-warning",
                 "Warn when an edge's certificate ends sooner; default 14d",
                 thresholds.certificate_warning);
  flags.Duration("--certificate-critical", "The same, critical; default 3d",
                 thresholds.certificate_critical);
  flags.app().footer(kCheckFooter);
  flags.WhenGiven([check, &chosen] {
    chosen = *check;
    return absl::OkStatus();
  });
}

void AddProbe(Flags& root, Command& chosen) {
  Flags flags = root.Sub("probe", "Act as two clients through an edge, each step timed");
  const auto probe = std::make_shared<ProbeCommand>();
  flags.Text("URL", "", "Where clients connect, such as wss://signal.example.org", probe->url)
      ->required();
  flags.NonEmptyText("--auth-token", "TOKEN", "The clients' token", probe->auth_token);
  flags.WithFallback();
  flags.NonEmptyText("--auth-token-file", "FILE", "File with the clients' token",
                     probe->auth_token_file);
  flags.WithFallback();
  flags.Text("--ca", "FILE", "Trust these certificates (PEM), not the system's", probe->ca);
  flags.Text("--connect", "HOST:PORT", "Connect there, but ask for the URL's host", probe->connect);
  flags.Duration("--idle", "Then stay silent so long, and relay once more", probe->idle);
  flags.Duration("--min-validity", "Fail if the certificate ends within DURATION",
                 probe->min_validity);
  flags.Count("--count", "N", "Round trips that are timed; default 5",
              [probe](uint32_t n) { probe->round_trips = n; });
  flags.app().footer(kProbeFooter);
  flags.WhenGiven([probe, &chosen] {
    constexpr uint32_t kMostRoundTrips = 100'000;
    if (probe->round_trips == 0 || probe->round_trips > kMostRoundTrips) {
      return absl::InvalidArgumentError(fmt::format("--count: give 1 to {}", kMostRoundTrips));
    }
    chosen = *probe;
    return absl::OkStatus();
  });
}

void AddCompletion(Flags& root, Command& chosen) {
  Flags flags = root.Sub("completion", "Print a completion script for a shell");
  const auto completion = std::make_shared<CompletionCommand>();
  const auto is = [completion](const char* shell) {
    return [completion, shell] { completion->shell = shell; };
  };
  flags
      .Choice("SHELL", "", "Your shell",
              {{"bash", is("bash")}, {"zsh", is("zsh")}, {"fish", is("fish")}})
      ->required();
  flags.WhenGiven([completion, &chosen] {
    chosen = *completion;
    return absl::OkStatus();
  });
}

}  // namespace

void AddStatusCommand(Flags& root, Command& chosen) {
  Flags flags = root.Sub("status", "The core at a glance");
  const auto status = std::make_shared<StatusCommand>();
  flags.Watch(status->every);
  flags.WhenGiven([status, &chosen] {
    chosen = *status;
    return absl::OkStatus();
  });
}

void AddOtherCommands(Flags& root, Command& chosen) {
  AddLogLevel(root, chosen);
  AddCheck(root, chosen);
  AddProbe(root, chosen);
  AddCompletion(root, chosen);
  root.Sub("version", "Print the version of cairn-admin").WhenGiven([&chosen] {
    chosen = VersionCommand();
    return absl::OkStatus();
  });
}

}  // namespace cairn::admin

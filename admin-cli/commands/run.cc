#include "admin-cli/commands/run.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <type_traits>

#include "admin-cli/commands/interrupt.h"
#include "admin-cli/printing/check_verdict.h"
#include "admin-cli/printing/printable.h"
#include "admin-cli/printing/terminal.h"
#include "admin-cli/printing/version.h"

namespace cairn::admin {
namespace {

int NoClient(const Options& options, const absl::Status& status) {
  const std::string text = Printable(std::string(status.message()));
  if (std::holds_alternative<CheckCommand>(options.command)) {
    const CheckVerdict verdict{CheckState::kUnknown, text, ""};
    std::cout << (options.output.form == Form::kJson ? verdict.ToJson() : verdict.ToLine()) << "\n";
    return static_cast<int>(CheckState::kUnknown);
  }
  std::cerr << "cairn-admin: " << text << "\n";
  return kBadUsage;
}

// Whether it is a pipe or a socket whose reader has closed it.
bool IsAbandoned(int fd) {
  pollfd state = {fd, POLLOUT, 0};
  return errno == EPIPE || (poll(&state, 1, 0) == 1 && (state.revents & POLLERR) != 0);
}

// Monitoring systems and screens have their own way to say so.
template <typename Command>
constexpr bool SaysMissing =
    !std::is_same_v<Command, CheckCommand> && !std::is_same_v<Command, TopCommand>;

template <typename Command>
int RunOnCore(const Options& options, const Command& command) {
  const absl::StatusOr<std::unique_ptr<FleetClient>> client =
      FleetClient::Create(options.connection, Interrupted);
  if (!client.ok()) return NoClient(options, client.status());
  const SystemClock clock;
  CommandContext context{**client,
                         options,
                         &std::cout,
                         std::cerr,
                         std::cin,
                         clock,
                         StyleFor(options.output, STDOUT_FILENO),
                         isatty(STDOUT_FILENO) != 0,
                         isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0};
  const int code = RunCommand(context, command);
  return SaysMissing<Command> ? WithMissing(context, code) : code;
}

struct Runner {
  const Options& options;

  int operator()(const ProbeCommand& command) const {
    return RunProbe(command, options, std::cout, std::cerr);
  }
  int operator()(const CompletionCommand& command) const {
    return RunCompletion(command, std::cout);
  }
  int operator()(const VersionCommand&) const { return RunVersion(options, std::cout); }
  // All other commands call the core.
  template <typename Command>
  int operator()(const Command& command) const {
    return RunOnCore(options, command);
  }
};

}  // namespace

int Run(const Options& options) {
  const int code = std::visit(Runner{options}, options.command);
  errno = 0;
  std::cout.flush();
  if (std::cout.good() || code != kOk) return code;
  // A reader such as `head` has read enough. Unless SIGPIPE is ignored, the process has already
  // ended.
  if (IsAbandoned(STDOUT_FILENO)) return kOk;
  std::cerr << "cairn-admin: cannot write the output: is the disk full?\n";
  return kCoreFailed;
}

int RunVersion(const Options& options, std::ostream& out) {
  const std::string version(kVersion);
  out << (options.output.form == Form::kJson ? fmt::format("{{\"version\":\"{}\"}}\n", version)
                                             : fmt::format("cairn-admin {}\n", version));
  return kOk;
}

}  // namespace cairn::admin

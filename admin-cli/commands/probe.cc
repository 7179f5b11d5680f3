#include <fmt/format.h>
#include <unistd.h>

#include <ostream>

#include "admin-cli/commands/run.h"
#include "admin-cli/printing/printable.h"
#include "admin-cli/printing/terminal.h"
#include "admin-cli/probe/probe.h"
#include "admin-cli/rpc/core_address.h"
#include "admin-cli/rpc/secrets.h"

namespace cairn::admin {
namespace {

absl::StatusOr<ProbePlan> PlanFor(const ProbeCommand& command, const Options& options) {
  ProbePlan plan;
  absl::StatusOr<ProbeUrl> url = ProbeUrl::Parse(command.url);
  if (!url.ok()) return url.status();
  plan.url = *std::move(url);
  plan.connect_host = plan.url.host;
  plan.connect_port = plan.url.port;
  if (!command.connect.empty()) {
    absl::StatusOr<HostPort> connect = ParseHostPort(command.connect);
    if (!connect.ok())
      return absl::InvalidArgumentError("--connect: " + std::string(connect.status().message()));
    plan.connect_host = connect->host;
    if (!connect->port.empty()) plan.connect_port = connect->port;
  }
  absl::StatusOr<std::string> token =
      LoadToken("auth-token", command.auth_token, command.auth_token_file);
  if (!token.ok()) return token.status();
  plan.token = *std::move(token);
  plan.timeout = options.connection.timeout;
  plan.idle = command.idle;
  plan.min_validity = command.min_validity;
  plan.round_trips = command.round_trips;
  return plan;
}

}  // namespace

int RunProbe(const ProbeCommand& command, const Options& options, std::ostream& out,
             std::ostream& err) {
  const auto fail = [&err](const absl::Status& status) {
    err << "cairn-admin: " << Printable(std::string(status.message())) << "\n";
    return kBadUsage;
  };
  absl::StatusOr<ProbePlan> plan = PlanFor(command, options);
  if (!plan.ok()) return fail(plan.status());
  const absl::StatusOr<std::unique_ptr<ProbeNetwork>> network =
      NewProbeNetwork(plan->timeout, command.ca);
  if (!network.ok()) return fail(network.status());
  const SystemClock clock;
  ProbeReport report(options.output.form, StyleFor(options.output, STDOUT_FILENO), out);
  report.Start(command.url);
  Probe(*std::move(plan), **network, clock, report).Run();
  return report.Finish(err);
}

}  // namespace cairn::admin

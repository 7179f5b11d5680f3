#include <fmt/format.h>

#include <ostream>

#include "admin-cli/commands/run.h"
#include "admin-cli/printing/humane.h"

namespace cairn::admin {

int RunCommand(CommandContext& context, const EdgesDrainCommand& command) {
  if (!command.yes) {
    const std::string question = fmt::format(
        "Close all connections of edge '{}' and end its process (with --role all, the core too)?",
        command.edge);
    if (const int code = context.Confirm(question); code != kOk) return code;
  }
  v1::DrainEdgeRequest request;
  request.set_edge(command.edge);
  const absl::StatusOr<v1::DrainEdgeResponse> drain = context.client.Call(request);
  if (!drain.ok()) {
    return context.Fail(
        drain.status(),
        fmt::format("there is no edge '{}': see 'cairn-admin edges list'", command.edge));
  }
  if (context.json()) {
    context.PrintJson(*drain);
  } else {
    *context.out << fmt::format("edge '{}' is draining {} peers\n", command.edge,
                                HumaneCount(drain->peers()));
  }
  return kOk;
}

}  // namespace cairn::admin

#include <fmt/format.h>

#include <ostream>

#include "admin-cli/commands/run.h"
#include "admin-cli/printing/humane.h"
#include "admin-cli/printing/printable.h"

namespace cairn::admin {

int RunCommand(CommandContext& context, const CoresDrainCommand& command) {
  if (!command.yes && !command.undo) {
    const std::string question =
        fmt::format("Send the edges of core '{}' to others?", command.core);
    if (const int code = context.Confirm(question); code != kOk) return code;
  }
  v1::DrainCoreRequest request;
  request.set_undo(command.undo);
  const absl::StatusOr<v1::DrainCoreResponse> done =
      context.client.DrainCore(command.core, request);
  if (absl::IsFailedPrecondition(done.status()))
    return context.Fail(kBadUsage, std::string(done.status().message()));
  if (!done.ok()) {
    return context.Fail(
        done.status(),
        fmt::format("there is no core '{}': see 'cairn-admin cores list'", command.core));
  }
  if (context.json()) {
    context.PrintJson(*done);
  } else if (command.undo) {
    *context.out << fmt::format("core '{}' takes edges again\n", Printable(command.core));
  } else {
    *context.out << fmt::format("core '{}' sends {} peers on {} lanes to other cores\n",
                                Printable(command.core), HumaneCount(done->peers()), done->lanes());
  }
  return kOk;
}

}  // namespace cairn::admin

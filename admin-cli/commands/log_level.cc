#include <fmt/format.h>

#include <ostream>

#include "admin-cli/commands/run.h"
#include "admin-cli/printing/printable.h"

namespace cairn::admin {

int RunCommand(CommandContext& context, const LogLevelCommand& command) {
  v1::SetLogLevelRequest request;
  request.set_directives(command.directives);
  const absl::StatusOr<v1::SetLogLevelResponse> done = context.client.Call(request);
  if (!done.ok()) return context.Fail(done.status());
  if (context.json()) {
    context.PrintJson(*done);
  } else {
    *context.out << fmt::format("core and edges log '{}' now; the core's was '{}'\n",
                                Printable(command.directives), Printable(done->previous()));
  }
  return kOk;
}

}  // namespace cairn::admin

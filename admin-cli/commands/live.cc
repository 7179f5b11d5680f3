#include <fmt/format.h>

#include <ostream>

#include "admin-cli/commands/interrupt.h"
#include "admin-cli/commands/run.h"
#include "admin-cli/printing/live_lines.h"
#include "admin-cli/printing/printable.h"

namespace cairn::admin {
namespace {

// At once: a live command may go on for days.
void SayWhatIsMissing(CommandContext& context) {
  context.client.SetOnMissing([&context](const std::string& core, const absl::Status& status) {
    context.out->flush();
    context.err << fmt::format("cairn-admin: core {}: {}\n", Printable(core),
                               Printable(std::string(status.message())));
  });
}

}  // namespace

int RunCommand(CommandContext& context, const WatchCommand& command) {
  CatchInterrupts();
  SayWhatIsMissing(context);
  uint64_t seen = 0;
  const absl::Status status = context.client.Stream(command.request, [&](const v1::Event& event) {
    if (context.json()) {
      context.PrintJson(event);
    } else {
      *context.out << EventLine(event, context.style);
    }
    context.out->flush();
    return context.out->good() && (command.limit == 0 || ++seen < command.limit);
  });
  return status.ok() ? kOk : context.Fail(status);
}

int RunCommand(CommandContext& context, const TraceCommand& command) {
  CatchInterrupts();
  SayWhatIsMissing(context);
  if (!context.json()) *context.out << TraceHeading(context.style) << std::flush;
  uint64_t seen = 0;
  const absl::Status status =
      context.client.Stream(command.request, [&](const v1::TraceRecord& record) {
        if (context.json()) {
          context.PrintJson(record);
        } else {
          *context.out << TraceLine(record, context.style);
        }
        context.out->flush();
        return context.out->good() && (command.limit == 0 || ++seen < command.limit);
      });
  return status.ok() ? kOk : context.Fail(status);
}

}  // namespace cairn::admin

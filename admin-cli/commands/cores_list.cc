#include <ostream>

#include "admin-cli/commands/run.h"
#include "admin-cli/printing/views.h"

namespace cairn::admin {
namespace {

int ListCoresOnce(CommandContext& context) {
  const absl::StatusOr<v1::ListCoresResponse> cores = context.client.ListCores();
  if (!cores.ok()) return context.Fail(cores.status());
  Table table = CoreTable();
  for (const v1::CoreInfo& core : cores->cores()) {
    if (context.json()) context.PrintJson(core);
    AddRow(core, context.now(), table);
  }
  if (!context.json()) *context.out << table.ToString(context.style);
  if (!cores->fleet().empty() && !cores->bus_up()) {
    context.out->flush();
    context.err << "cairn-admin: the core cannot reach NATS: others are those that it knew\n";
  }
  return kOk;
}

}  // namespace

int RunCommand(CommandContext& context, const CoresListCommand& command) {
  return Repeat(context, command.every, ListCoresOnce);
}

}  // namespace cairn::admin

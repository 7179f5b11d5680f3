#include <ostream>

#include "admin-cli/commands/run.h"
#include "admin-cli/printing/views.h"

namespace cairn::admin {
namespace {

int ListEdgesOnce(CommandContext& context) {
  const absl::StatusOr<v1::ListEdgesResponse> edges = context.client.Call(v1::ListEdgesRequest());
  if (!edges.ok()) return context.Fail(edges.status());
  Table table = EdgeTable();
  for (const v1::EdgeInfo& edge : edges->edges()) {
    if (context.json()) context.PrintJson(edge);
    AddRow(edge, context.now(), table);
  }
  if (!context.json()) *context.out << table.ToString(context.style);
  return kOk;
}

}  // namespace

int RunCommand(CommandContext& context, const EdgesListCommand& command) {
  return Repeat(context, command.every, ListEdgesOnce);
}

}  // namespace cairn::admin

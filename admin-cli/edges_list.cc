#include <ostream>

#include "admin-cli/run.h"
#include "admin-cli/views.h"

namespace cairn::admin {
namespace {

int ListOnce(Session& session) {
  const absl::StatusOr<v1::ListEdgesResponse> edges = session.client.ListEdges();
  if (!edges.ok()) return session.Fail(edges.status());
  Table table = EdgeTable();
  for (const v1::EdgeInfo& edge : edges->edges()) {
    if (session.json()) session.PrintJson(edge);
    AddRow(edge, session.now(), table);
  }
  if (!session.json()) *session.out << table.ToString(session.style);
  return kOk;
}

}  // namespace

int RunCommand(Session& session, const EdgesListCommand& command) {
  return Repeat(session, command.every, ListOnce);
}

}  // namespace cairn::admin

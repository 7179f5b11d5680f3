#include <fmt/format.h>

#include <ostream>

#include "admin-cli/humane.h"
#include "admin-cli/run.h"

namespace cairn::admin {

int RunCommand(Session& session, const EdgesDrainCommand& command) {
  if (!command.yes) {
    const std::string question =
        fmt::format("Close all connections of edge '{}' and take no new ones?", command.edge);
    if (const int code = session.Confirm(question); code != kOk) return code;
  }
  v1::DrainEdgeRequest request;
  request.set_edge(command.edge);
  const absl::StatusOr<v1::DrainEdgeResponse> drain = session.client.DrainEdge(request);
  if (!drain.ok()) {
    return session.Fail(
        drain.status(),
        fmt::format("there is no edge '{}': see 'cairn-admin edges list'", command.edge));
  }
  if (session.json()) {
    session.PrintJson(*drain);
  } else {
    *session.out << fmt::format("edge '{}' is draining {} peers\n", command.edge,
                                HumaneCount(drain->peers()));
  }
  return kOk;
}

}  // namespace cairn::admin

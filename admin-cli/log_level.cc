#include <fmt/format.h>

#include <ostream>

#include "admin-cli/printable.h"
#include "admin-cli/run.h"

namespace cairn::admin {

int RunCommand(Session& session, const LogLevelCommand& command) {
  v1::SetLogLevelRequest request;
  request.set_directives(command.directives);
  const absl::StatusOr<v1::SetLogLevelResponse> done = session.client.SetLogLevel(request);
  if (!done.ok()) return session.Fail(done.status());
  if (session.json()) {
    session.PrintJson(*done);
  } else {
    *session.out << fmt::format("core and edges log '{}' now; the core's was '{}'\n",
                                Printable(command.directives), Printable(done->previous()));
  }
  return kOk;
}

}  // namespace cairn::admin

#include <ostream>

#include "admin-cli/interrupt.h"
#include "admin-cli/live_lines.h"
#include "admin-cli/run.h"

namespace cairn::admin {
int RunCommand(Session& session, const WatchCommand& command) {
  CatchInterrupts();
  uint64_t seen = 0;
  const absl::Status status = session.client.Watch(command.request, [&](const v1::Event& event) {
    if (session.json()) {
      session.PrintJson(event);
    } else {
      *session.out << EventLine(event, session.style);
    }
    session.out->flush();
    return session.out->good() && (command.limit == 0 || ++seen < command.limit);
  });
  return status.ok() ? kOk : session.Fail(status);
}

int RunCommand(Session& session, const TraceCommand& command) {
  CatchInterrupts();
  if (!session.json()) *session.out << TraceHeading(session.style) << std::flush;
  uint64_t seen = 0;
  const absl::Status status =
      session.client.Trace(command.request, [&](const v1::TraceRecord& record) {
        if (session.json()) {
          session.PrintJson(record);
        } else {
          *session.out << TraceLine(record, session.style);
        }
        session.out->flush();
        return session.out->good() && (command.limit == 0 || ++seen < command.limit);
      });
  return status.ok() ? kOk : session.Fail(status);
}

}  // namespace cairn::admin

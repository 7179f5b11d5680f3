#include <ostream>

#include "admin-cli/check_verdict.h"
#include "admin-cli/failure.h"
#include "admin-cli/run.h"

namespace cairn::admin {

int RunCommand(Session& session, const CheckCommand& command) {
  CheckVerdict verdict;
  const absl::StatusOr<v1::GetStatusResponse> status = session.client.GetStatus();
  if (status.ok()) {
    verdict = Judge(*status, command.thresholds, session.now());
  } else {
    const Failure failure = Explain(status.status(), session.options.connection.core);
    verdict.state =
        failure.exit_code == kUnreachable ? CheckState::kCritical : CheckState::kUnknown;
    verdict.text = failure.text;
  }
  *session.out << (session.json() ? verdict.ToJson() : verdict.ToLine()) << "\n";
  return static_cast<int>(verdict.state);
}

}  // namespace cairn::admin

#include <ostream>

#include "admin-cli/commands/failure.h"
#include "admin-cli/commands/run.h"
#include "admin-cli/printing/check_verdict.h"

namespace cairn::admin {

int RunCommand(CommandContext& context, const CheckCommand& command) {
  CheckVerdict verdict;
  const absl::StatusOr<v1::GetStatusResponse> status = context.client.Call(v1::GetStatusRequest());
  if (status.ok()) {
    verdict = Evaluate(*status, command.thresholds, context.now());
  } else {
    const Failure failure = Explain(status.status(), context.options.connection);
    verdict.state =
        failure.exit_code == kUnreachable ? CheckState::kCritical : CheckState::kUnknown;
    verdict.text = failure.text;
  }
  *context.out << (context.json() ? verdict.ToJson() : verdict.ToLine()) << "\n";
  return static_cast<int>(verdict.state);
}

}  // namespace cairn::admin

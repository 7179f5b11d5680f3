// Interrupts: SIGINT, SIGQUIT, SIGTERM and SIGHUP as a flag that loops check.
//
// Thread: any.
#ifndef CAIRN_ADMIN_CLI_COMMANDS_INTERRUPT_H_
#define CAIRN_ADMIN_CLI_COMMANDS_INTERRUPT_H_

#include <absl/time/time.h>

namespace cairn::admin {

// From now on these signals do not end the process. The caller must check Interrupted() often.
void CatchInterrupts();

bool Interrupted();

// Returns early when interrupted.
void SleepUnlessInterrupted(absl::Duration duration);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_COMMANDS_INTERRUPT_H_

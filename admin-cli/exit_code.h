// Exit codes of cairn-admin. --help and docs/cairn-admin.1 list the same ones.
#ifndef CAIRN_ADMIN_CLI_EXIT_CODE_H_
#define CAIRN_ADMIN_CLI_EXIT_CODE_H_

namespace cairn::admin {

enum ExitCode : int {
  kOk = 0,
  kNothingMatched = 1,     // an id, topic or edge that was named is unknown; probe: a step failed
  kBadUsage = 2,           // also an argument that the core refused
  kUnreachable = 3,        // no answer from the core
  kCredentialRefused = 4,  // UNAUTHENTICATED, PERMISSION_DENIED
  kCoreFailed = 5,         // any other error of the core
  kIncomplete = 6,  // a core of the fleet did not answer: what was done or told is without it
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_EXIT_CODE_H_

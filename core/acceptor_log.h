// AcceptorLog: rate-limited log lines about connections that the core's acceptor refuses.
//
// Owner:  GrpcAcceptor.
// Thread: its owner's.
#ifndef CAIRN_CORE_ACCEPTOR_LOG_H_
#define CAIRN_CORE_ACCEPTOR_LOG_H_

#include <absl/status/status.h>

#include "base/clock.h"
#include "base/log_limiter.h"

namespace cairn::core {

class AcceptorLog {
 public:
  explicit AcceptorLog(const Clock& clock) : refusals_(clock), turned_away_(clock) {}

  // docs/OPERATIONS.md has the reasons.
  void TurnedAway(const char* reason);
  // An edge that has no credential and retries again and again. OK: it was not an edge.
  void Refused(const absl::Status& status);

 private:
  LogLimiter refusals_, turned_away_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_ACCEPTOR_LOG_H_

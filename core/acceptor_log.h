// AcceptorLog: counts connections that the core's acceptor refuses, and logs them, rate-limited.
//
// Owner:  GrpcAcceptor.
// Thread: its owner's. refused(): any.
#ifndef CAIRN_CORE_ACCEPTOR_LOG_H_
#define CAIRN_CORE_ACCEPTOR_LOG_H_

#include <absl/status/status.h>

#include "base/clock.h"
#include "base/log_limiter.h"
#include "core/connection_refusal.h"

namespace cairn::core {

class AcceptorLog {
 public:
  explicit AcceptorLog(const Clock& clock) : refusals_(clock), turned_away_(clock) {}

  void TurnedAway(ConnectionRefusal reason);
  // It is counted as kNoCredential. Logged is an edge, which retries again and again; OK: it was
  // not an edge.
  void Refused(const absl::Status& status);
  // Counted only: a port scan, or a health check that only connects, looks the same.
  void TlsFailed() { Count(ConnectionRefusal::kTlsFailed); }

  const ConnectionRefusals& refused() const { return refused_; }

 private:
  void Count(ConnectionRefusal reason) { refused_[static_cast<size_t>(reason)].Add(); }

  ConnectionRefusals refused_;
  LogLimiter refusals_, turned_away_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_ACCEPTOR_LOG_H_

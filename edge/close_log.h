// CloseLog: says in the log why connections end: each at debug, and as a warning what an operator
// may have to do something about, of which it says a few.
//
// Thread: any.
// Bounds: one warning of a reason a minute; it says how many were left out since the one before.
#ifndef CAIRN_EDGE_CLOSE_LOG_H_
#define CAIRN_EDGE_CLOSE_LOG_H_

#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log_limiter.h"
#include "base/thread_annotations.h"
#include "edge/reasons.h"

namespace cairn::edge {

// The event that a close for this reason is warned of with; null: it is everyday life.
const char* WarningFor(CloseReason reason);

class CloseLog {
 public:
  // `clock` must outlive the log.
  explicit CloseLog(const Clock& clock);

  // `error`: what is known beyond the reason, and nothing of the client; may be empty, which for
  // kTlsFailed says that the client went away.
  void Note(CloseReason reason, std::string_view error = {});

 private:
  Mutex mu_;
  std::vector<LogLimiter> limiters_ ABSL_GUARDED_BY(mu_);  // by CloseReason
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CLOSE_LOG_H_

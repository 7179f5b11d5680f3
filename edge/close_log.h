// CloseLog: logs why connections end: each at debug, and as a rate-limited warning when an operator
// may have to act.
//
// Owner:  EdgeShared.
// Thread: any.
// Bounds: one warning per reason and minute; it includes the number of suppressed ones.
#ifndef CAIRN_EDGE_CLOSE_LOG_H_
#define CAIRN_EDGE_CLOSE_LOG_H_

#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log_limiter.h"
#include "base/thread_annotations.h"
#include "edge/reasons.h"

namespace cairn::edge {

// The event of the warning for this reason; null: no warning, it is normal.
const char* WarningFor(CloseReason reason);

class CloseLog {
 public:
  // `clock` must outlive the log.
  explicit CloseLog(const Clock& clock);

  // `error`: details beyond the reason, without data of the client. May be empty, which for
  // kTlsFailed means that the client disconnected.
  void Note(CloseReason reason, std::string_view error = {});

 private:
  Mutex mu_;
  std::vector<LogLimiter> limiters_ ABSL_GUARDED_BY(mu_);  // by CloseReason
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_CLOSE_LOG_H_

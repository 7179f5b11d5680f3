// CheckVerdict: a core's status compared with thresholds, in the form of monitoring plugins.
//
// Form:   "CAIRN OK - text | perfdata", one line.
//         Source: monitoring-plugins.org, Development Guidelines.
// Thread: any; no state.
#ifndef CAIRN_ADMIN_CLI_PRINTING_CHECK_VERDICT_H_
#define CAIRN_ADMIN_CLI_PRINTING_CHECK_VERDICT_H_

#include <absl/time/time.h>

#include <string>

#include "admin-cli/printing/thresholds.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::admin {

// The numbers are the exit codes.
enum class CheckState : int { kOk = 0, kWarning = 1, kCritical = 2, kUnknown = 3 };

struct CheckVerdict {
  CheckState state = CheckState::kOk;
  std::string text;
  std::string perfdata;

  // Without a line feed.
  std::string ToLine() const;
  std::string ToJson() const;
};

CheckVerdict Evaluate(const ::cairn::signaling::v1::GetStatusResponse& status,
                      const Thresholds& thresholds, absl::Time now);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PRINTING_CHECK_VERDICT_H_

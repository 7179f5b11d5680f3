// ProbeReport: the result of each step of a probe, one line each, printed as it happens.
//
// Owner:  the command (admin-cli/commands/probe.cc).
// Thread: one.
#ifndef CAIRN_ADMIN_CLI_PROBE_REPORT_H_
#define CAIRN_ADMIN_CLI_PROBE_REPORT_H_

#include <absl/time/time.h>

#include <iosfwd>
#include <string>
#include <vector>

#include "admin-cli/printing/output_options.h"
#include "admin-cli/printing/table.h"

namespace cairn::admin {

enum class StepState { kOk, kWarning, kFailed };

struct ProbeStep {
  std::string name;
  StepState state = StepState::kOk;
  absl::Duration took;
  std::string text;  // what was found, or what is wrong and what to do
};

class ProbeReport {
 public:
  ProbeReport(Form form, const Style& style, std::ostream& out)
      : form_(form), style_(style), out_(out) {}

  void Start(const std::string& url);
  void Add(const ProbeStep& step);
  // Returns the exit code: 0, or 1 with the failed step printed on `err`.
  int Finish(std::ostream& err);

  bool failed() const { return !failure_.empty(); }

 private:
  const Form form_;
  const Style style_;
  std::ostream& out_;
  std::string failure_;
};

// The median and the extremes of some times: "median 412us, 380us to 1.20ms". REQUIRES: at least
// one.
std::string SummarizeLatencies(std::vector<absl::Duration> latencies);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PROBE_REPORT_H_

// Thresholds: when `check` warns, in the syntax of monitoring plugins.
//
// Form:   a range alerts on values outside of it: "10" (0 to 10), "10:" (10 or more), "~:10" (10 or
//         less), "10:20"; "@10:20" alerts on values inside. Bounds belong to the range.
//         Source: monitoring-plugins.org, Development Guidelines, "Threshold and Ranges".
// Thread: immutable after Parse().
#ifndef CAIRN_ADMIN_CLI_PRINTING_THRESHOLDS_H_
#define CAIRN_ADMIN_CLI_PRINTING_THRESHOLDS_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>
#include <string_view>

namespace cairn::admin {

class Range {
 public:
  // Never alerts.
  Range() = default;

  static absl::StatusOr<Range> Parse(std::string_view text);
  static Range AtMost(double most);
  static Range AtLeast(double least);

  bool Alerts(double value) const;
  // In the syntax of performance data; "" if it never alerts.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  double least_ = 0;
  double most_ = 0;
  bool alerts_inside_ = false;
};

struct Limits {
  Range warning;
  Range critical;
};

struct Thresholds {
  Limits peers;
  Limits edges;
  Limits memory;  // bytes
  // The remaining lifetime of the certificate that expires first.
  absl::Duration certificate_warning = absl::Hours(14 * 24);
  absl::Duration certificate_critical = absl::Hours(3 * 24);
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PRINTING_THRESHOLDS_H_

#include "admin-cli/printing/thresholds.h"

#include <absl/status/status.h>
#include <absl/strings/numbers.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace cairn::admin {
namespace {

bool ReadBound(std::string_view text, double& bound) {
  return absl::SimpleAtod(absl::string_view(text.data(), text.size()), &bound) &&
         std::isfinite(bound);
}

}  // namespace

absl::StatusOr<Range> Range::Parse(std::string_view text) {
  const absl::Status refusal = absl::InvalidArgumentError(
      fmt::format("'{}' is not a range; give one such as 100, 1: or 10:100", text));
  Range range;
  range.text_ = std::string(text);
  range.most_ = std::numeric_limits<double>::infinity();
  std::string_view rest = text;
  if (!rest.empty() && rest.front() == '@') {
    range.alerts_inside_ = true;
    rest.remove_prefix(1);
  }
  const size_t colon = rest.find(':');
  if (colon == rest.npos) {
    if (!ReadBound(rest, range.most_)) return refusal;
  } else {
    const std::string_view first = rest.substr(0, colon);
    const std::string_view last = rest.substr(colon + 1);
    if (first.empty() && last.empty()) return refusal;
    if (first == "~") {
      range.least_ = -std::numeric_limits<double>::infinity();
    } else if (!first.empty() && !ReadBound(first, range.least_)) {
      return refusal;
    }
    if (!last.empty() && !ReadBound(last, range.most_)) return refusal;
  }
  if (range.least_ > range.most_) return refusal;
  return range;
}

Range Range::AtMost(double most) {
  Range range;
  range.text_ = fmt::format("{:.0f}", most);
  range.most_ = most;
  return range;
}

Range Range::AtLeast(double least) {
  Range range;
  range.text_ = fmt::format("{:.0f}:", least);
  range.least_ = least;
  range.most_ = std::numeric_limits<double>::infinity();
  return range;
}

bool Range::Alerts(double value) const {
  if (text_.empty()) return false;
  const bool inside = value >= least_ && value <= most_;
  return inside == alerts_inside_;
}

}  // namespace cairn::admin

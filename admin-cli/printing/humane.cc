#include "admin-cli/printing/humane.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <fmt/format.h>

#include <cmath>

namespace cairn::admin {
namespace {

// "3m12s", "5h07m": the second unit has two digits, so that columns line up.
std::string TwoUnits(int64_t value, int64_t per_unit, char unit, char small_unit) {
  return fmt::format("{}{}{:02}{}", value / per_unit, unit, value % per_unit, small_unit);
}

absl::Status NotA(std::string_view text, std::string_view what, std::string_view example) {
  return absl::InvalidArgumentError(
      fmt::format("'{}' is not {}; give one such as {}", text, what, example));
}

// Parses a decimal number and removes it from the front.
bool TakeNumber(std::string_view& text, double& number) {
  const size_t size = std::min(text.find_first_not_of("0123456789."), text.size());
  if (!absl::SimpleAtod(absl::string_view(text.data(), size), &number)) return false;
  text.remove_prefix(size);
  return true;
}

// Removes letters from the front and returns them.
std::string TakeUnit(std::string_view& text) {
  size_t size = 0;
  while (size < text.size() && absl::ascii_isalpha(static_cast<unsigned char>(text[size]))) ++size;
  std::string unit(text.substr(0, size));
  text.remove_prefix(size);
  return unit;
}

std::string GroupDigits(std::string digits) {
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

}  // namespace

std::string HumaneDuration(absl::Duration duration) {
  if (duration < absl::ZeroDuration()) return "-" + HumaneDuration(-duration);
  if (duration == absl::InfiniteDuration()) return "forever";
  const int64_t ms = absl::ToInt64Milliseconds(duration);
  if (ms > 0 && ms < 1000) return fmt::format("{}ms", ms);
  const int64_t seconds = ms / 1000;
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return TwoUnits(seconds, 60, 'm', 's');
  if (seconds < 86400) return TwoUnits(seconds / 60, 60, 'h', 'm');
  return TwoUnits(seconds / 3600, 24, 'd', 'h');
}

std::string HumaneLatency(absl::Duration latency) {
  if (latency < absl::ZeroDuration()) return "-" + HumaneLatency(-latency);
  const double us = absl::ToDoubleMicroseconds(latency);
  if (us < 999.5) return fmt::format("{:.0f}us", us);
  // As many decimals as make three digits.
  const auto three = [](double value, const char* unit) {
    return fmt::format("{:.{}f}{}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, unit);
  };
  if (us < 999'500) return three(us / 1e3, "ms");
  if (us < 60'000'000) return three(us / 1e6, "s");
  return HumaneDuration(latency);
}

std::string HumaneSize(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  // 1023.95 would be printed as 1024.0.
  while (value >= 1023.95 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string HumaneCount(uint64_t count) { return GroupDigits(std::to_string(count)); }

std::string HumaneRate(double per_second) {
  if (!std::isfinite(per_second) || per_second <= 0) return "0";
  if (per_second < 99.95) return fmt::format("{:.1f}", per_second);
  return GroupDigits(fmt::format("{:.0f}", per_second));
}

std::string HumaneTime(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", time, absl::LocalTimeZone());
}

std::string HumaneClock(absl::Time time) {
  return absl::FormatTime("%H:%M:%E3S", time, absl::LocalTimeZone());
}

absl::StatusOr<absl::Duration> ParseHumaneDuration(std::string_view text) {
  constexpr std::string_view kExample = "30s, 1h30m or 14d";
  // Longer than any certificate or process lives; prevents overflow.
  constexpr absl::Duration kMost = absl::Hours(24 * 36500);
  std::string_view rest = text;
  absl::Duration sum;
  do {
    double number = 0;
    if (!TakeNumber(rest, number)) return NotA(text, "a duration", kExample);
    const std::string unit = TakeUnit(rest);
    // Only a number that stands alone may have no unit.
    if (unit == "s" || (unit.empty() && rest.empty() && sum == absl::ZeroDuration())) {
      sum += absl::Seconds(number);
    } else if (unit == "ms") {
      sum += absl::Milliseconds(number);
    } else if (unit == "m" || unit == "min") {
      sum += absl::Minutes(number);
    } else if (unit == "h") {
      sum += absl::Hours(number);
    } else if (unit == "d") {
      sum += absl::Hours(24 * number);
    } else if (unit == "w") {
      sum += absl::Hours(7 * 24 * number);
    } else {
      return NotA(text, "a duration", kExample);
    }
  } while (!rest.empty());
  if (sum > kMost) return NotA(text, "a duration of less than a century", kExample);
  return sum;
}

absl::StatusOr<uint64_t> ParseHumaneSize(std::string_view text) {
  constexpr std::string_view kExample = "65536, 512MiB or 1.5G";
  std::string_view rest = text;
  double number = 0;
  if (!TakeNumber(rest, number)) return NotA(text, "a size", kExample);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  std::string unit = TakeUnit(rest);
  absl::AsciiStrToLower(&unit);
  constexpr std::string_view kPrefixes = "kmgtp";
  const size_t power = unit.empty() ? kPrefixes.npos : kPrefixes.find(unit[0]);
  const std::string_view tail =
      power == kPrefixes.npos ? std::string_view(unit) : std::string_view(unit).substr(1);
  if (!rest.empty() ||
      !(tail.empty() || tail == "b" || (tail == "ib" && power != kPrefixes.npos))) {
    return NotA(text, "a size", kExample);
  }
  if (power != kPrefixes.npos) number *= std::pow(1024.0, static_cast<double>(power + 1));
  if (number >= 9e18) return NotA(text, "a size that fits in memory", kExample);
  return static_cast<uint64_t>(std::llround(number));
}

}  // namespace cairn::admin

#include "base/log_filter.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <optional>

namespace cairn {
namespace {

std::optional<LogLevel> LevelNamed(absl::string_view name) {
  static constexpr struct {
    absl::string_view name;
    LogLevel level;
  } kLevels[] = {{"off", LogLevel::kOff},     {"error", LogLevel::kError},
                 {"warn", LogLevel::kWarn},   {"info", LogLevel::kInfo},
                 {"debug", LogLevel::kDebug}, {"trace", LogLevel::kTrace}};
  for (const auto& entry : kLevels) {
    if (absl::EqualsIgnoreCase(name, entry.name)) return entry.level;
  }
  return std::nullopt;
}

bool IsModuleName(absl::string_view name) {
  if (name.empty()) return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_' && c != ':' && c != '-')
      return false;
  }
  return true;
}

bool IsBelow(absl::string_view module, absl::string_view ancestor) {
  return absl::ConsumePrefix(&module, ancestor) &&
         (module.empty() || absl::StartsWith(module, "::"));
}

}  // namespace

LogFilter LogFilter::Parse(std::string_view directives) {
  LogFilter filter;
  if (!directives.empty()) filter.text_ = std::string(directives);
  const absl::string_view text(directives.data(), directives.size());
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    part = absl::StripAsciiWhitespace(part);
    if (part.empty()) continue;
    const std::pair<absl::string_view, absl::string_view> sides =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    const bool has_level = absl::StrContains(part, '=');
    const std::optional<LogLevel> level = LevelNamed(has_level ? sides.second : part);
    if (!has_level && level) {
      filter.default_ = *level;
    } else if (IsModuleName(sides.first) && (level || !has_level)) {
      filter.directives_.push_back(
          {std::string(sides.first), level.value_or(LogLevel::kTrace), std::string(part)});
    } else {
      filter.rejected_.emplace_back(part);
    }
  }
  return filter;
}

std::vector<std::string> LogFilter::Unknown(const std::vector<std::string_view>& known) const {
  std::vector<std::string> unknown;
  for (const Directive& directive : directives_) {
    const bool has_effect = std::ranges::any_of(known, [&directive](std::string_view module) {
      return IsBelow({module.data(), module.size()}, directive.module);
    });
    if (!has_effect) unknown.push_back(directive.text);
  }
  return unknown;
}

LogLevel LogFilter::LevelFor(std::string_view module) const {
  const absl::string_view name(module.data(), module.size());
  const Directive* best = nullptr;
  for (const Directive& directive : directives_) {
    if (IsBelow(name, directive.module) &&
        (!best || directive.module.size() >= best->module.size())) {
      best = &directive;
    }
  }
  if (best) return best->level;
  return default_;
}

}  // namespace cairn

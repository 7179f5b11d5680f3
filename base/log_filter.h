// LogFilter: which log lines are wanted, in the directive syntax of RUST_LOG.
//
// Form:   comma-separated; "info" sets the default, "cairn_signal::edge=debug" one module and those
// below it, and
//         "cairn_signal" alone means that module at trace. The longest module that fits decides.
//         Levels: off, error, warn, info, debug, trace, in any case. Default: info.
#ifndef CAIRN_BASE_LOG_FILTER_H_
#define CAIRN_BASE_LOG_FILTER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cairn {

enum class LogLevel : uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kOff };

class LogFilter {
 public:
  // Directives that cannot be parsed are ignored and collected in rejected().
  static LogFilter Parse(std::string_view directives);

  LogLevel LevelFor(std::string_view module) const;
  const std::vector<std::string>& rejected() const { return rejected_; }
  // Directives for modules that are neither one of `known` nor above one: they have no effect.
  std::vector<std::string> Unknown(const std::vector<std::string_view>& known) const;
  // The directives given to Parse(); "info" if there were none.
  const std::string& text() const { return text_; }

 private:
  struct Directive {
    std::string module;
    LogLevel level;
    std::string text;
  };

  std::string text_ = "info";
  LogLevel default_ = LogLevel::kInfo;
  std::vector<Directive> directives_;
  std::vector<std::string> rejected_;
};

}  // namespace cairn

#endif  // CAIRN_BASE_LOG_FILTER_H_

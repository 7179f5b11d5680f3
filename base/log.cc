#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>
#include <utility>

#include "base/thread_annotations.h"

namespace cairn {
namespace {

// Level names as tracing-subscriber prints them: upper case, right-aligned to five.
class LevelFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& msg, const std::tm&,
              spdlog::memory_buf_t& out) override {
    static constexpr const char* kNames[] = {"TRACE", "DEBUG", " INFO", " WARN",
                                             "ERROR", "ERROR", "  OFF"};
    const char* name = kNames[msg.level];
    out.append(name, name + 5);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelFlag>();
  }
};

struct Loggers {
  Loggers() {
    auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    formatter->add_flag<LevelFlag>('*').set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %* %n: %v");
    sink->set_formatter(std::move(formatter));
    for (spdlog::logger* logger : {&server, &edge, &core}) logger->flush_on(spdlog::level::trace);
  }
  std::shared_ptr<spdlog::sinks::sink> sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
  spdlog::logger server{"cairn_signal", sink};
  spdlog::logger edge{"cairn_signal::edge", sink};
  spdlog::logger core{"cairn_signal::core", sink};
  Mutex mu;
  std::string directives ABSL_GUARDED_BY(mu) = "info";
};

Loggers& All() {
  static Loggers& loggers = *new Loggers();  // outlives every thread
  return loggers;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

}  // namespace

std::string InitLog(const LogFilter& filter) {
  MutexLock lock(All().mu);
  for (spdlog::logger* logger : {&All().server, &All().edge, &All().core}) {
    logger->set_level(ToSpdlog(filter.LevelFor(logger->name())));
  }
  return std::exchange(All().directives, filter.text());
}

namespace log {
spdlog::logger& Server() { return All().server; }
spdlog::logger& Edge() { return All().edge; }
spdlog::logger& Core() { return All().core; }
}  // namespace log

}  // namespace cairn

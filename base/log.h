// The process's log: one line per event on stdout, in four modules that can be filtered apart.
//
// Form:   "2026-01-31T12:00:00.123Z  INFO cairn_signal::edge: listening url=ws://0.0.0.0:443": a
//         stable event name, then key=value; or the same as a JSON object. docs/OPERATIONS.md
//         "Log events" lists every event, and a test compares. Nothing secret or personal from
//         info up: no tokens, topics, payloads, and client addresses only with --log-peers.
// Thread: any, after InitLog(). A caller never waits for the reader of stdout.
// Bounds: LogWriter::kMaxBytes of waiting lines; further lines are dropped, counted, and reported
//         later.
//
//   log::Info(log::Edge(), "listening", {{"url", url}, {"threads", threads}});
#ifndef CAIRN_BASE_LOG_H_
#define CAIRN_BASE_LOG_H_

#include <absl/time/time.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log_filter.h"
#include "base/log_line.h"

namespace spdlog {
class logger;
namespace sinks {
class sink;
}
}  // namespace spdlog

namespace cairn {

// Called first in main(), and again when an operator changes levels. Before the first call the
// loggers print everything from info up. Returns the directives that were in force.
//
// Thread: any.
std::string InitLog(const LogFilter& filter);
// Directives that have no effect, because no module of ours is meant.
std::vector<std::string> UnknownDirectives(const LogFilter& filter);

// Waits until the lines logged so far are written, for at most that long. Called before the process
// ends.
void FlushLog(absl::Duration at_most);
// How many lines were dropped because stdout was not read.
uint64_t LogLinesDropped();

enum class LogFormat { kText, kJson };
// The format of all lines from now on; the default is text.
void SetLogFormat(LogFormat format);

namespace log {

// One of the module names that directives filter by.
class Module {
 public:
  Module(const char* name, std::shared_ptr<spdlog::sinks::sink> sink);
  ~Module();

  // Whether a line of that level would be printed. Check before computing what only the line needs.
  bool On(LogLevel level) const { return level >= level_.load(std::memory_order_relaxed); }
  void SetLevel(LogLevel level) { level_.store(level, std::memory_order_relaxed); }
  const std::string& name() const;
  // Logs regardless of the level; for the functions below.
  void Write(LogLevel level, std::string_view event, Fields fields);

 private:
  std::atomic<LogLevel> level_{LogLevel::kInfo};
  const std::unique_ptr<spdlog::logger> logger_;
};

Module& Server();  // cairn_signal
Module& Edge();    // cairn_signal::edge
Module& Core();    // cairn_signal::core
Module& Grpc();    // cairn_signal::grpc

inline void Log(Module& module, LogLevel level, std::string_view event, Fields fields = {}) {
  if (module.On(level)) module.Write(level, event, fields);
}
inline void Debug(Module& module, std::string_view event, Fields fields = {}) {
  if (module.On(LogLevel::kDebug)) module.Write(LogLevel::kDebug, event, fields);
}
inline void Info(Module& module, std::string_view event, Fields fields = {}) {
  if (module.On(LogLevel::kInfo)) module.Write(LogLevel::kInfo, event, fields);
}
inline void Warn(Module& module, std::string_view event, Fields fields = {}) {
  if (module.On(LogLevel::kWarn)) module.Write(LogLevel::kWarn, event, fields);
}
inline void Error(Module& module, std::string_view event, Fields fields = {}) {
  if (module.On(LogLevel::kError)) module.Write(LogLevel::kError, event, fields);
}

}  // namespace log
}  // namespace cairn

#endif  // CAIRN_BASE_LOG_H_

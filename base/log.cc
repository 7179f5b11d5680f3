#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <mutex>
#include <utility>

#include "base/log_writer.h"
#include "base/thread_annotations.h"

namespace cairn {
namespace {

// Level names as tracing-subscriber prints them: upper case, right-aligned to five characters in
// text, unpadded in JSON.
class LevelFlag final : public spdlog::custom_flag_formatter {
 public:
  explicit LevelFlag(LogFormat format) : format_(format) {}
  void format(const spdlog::details::log_msg& msg, const std::tm&,
              spdlog::memory_buf_t& out) override {
    static constexpr std::string_view kText[] = {"TRACE", "DEBUG", " INFO", " WARN",
                                                 "ERROR", "ERROR", "  OFF"};
    static constexpr std::string_view kJson[] = {"trace", "debug", "info", "warn",
                                                 "error", "error", "off"};
    const std::string_view name = (format_ == LogFormat::kJson ? kJson : kText)[msg.level];
    out.append(name.data(), name.data() + name.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelFlag>(format_);
  }

 private:
  const LogFormat format_;
};

std::unique_ptr<spdlog::formatter> FormatterFor(LogFormat format) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<LevelFlag>('*', format);
  formatter->set_pattern(format == LogFormat::kJson
                             ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%*","module":"%n",%v})"
                             : "%Y-%m-%dT%H:%M:%S.%eZ %* %n: %v");
  return formatter;
}

void TellLoss(uint64_t lines);

LogWriter& Writer() {
  static LogWriter& writer = *new LogWriter(STDOUT_FILENO, TellLoss);  // outlives every thread
  return writer;
}

// The lock of base_sink only guards the formatter: the writer never blocks.
class WriterSink final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& msg) override {
    spdlog::memory_buf_t line;
    formatter_->format(msg, line);
    Writer().Push({line.data(), line.size()});
  }
  void flush_() override {}
};

struct Modules {
  Modules() { sink->set_formatter(FormatterFor(LogFormat::kText)); }
  std::shared_ptr<spdlog::sinks::sink> sink = std::make_shared<WriterSink>();
  log::Module server{"cairn_signal", sink};
  log::Module edge{"cairn_signal::edge", sink};
  log::Module core{"cairn_signal::core", sink};
  log::Module grpc{"cairn_signal::grpc", sink};
  std::atomic<LogFormat> format{LogFormat::kText};
  Mutex mu;
  std::string directives ABSL_GUARDED_BY(mu) = "info";
};

Modules& All() {
  static Modules& modules = *new Modules();  // outlives every thread
  return modules;
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

void TellLoss(uint64_t lines) {
  log::Warn(log::Server(), "log_lines_lost",
            {{"count", lines}, {"hint", log::Text("stdout was not read fast enough")}});
}

}  // namespace

void FlushLog(absl::Duration at_most) { Writer().Flush(at_most); }

uint64_t LogLinesDropped() { return Writer().dropped(); }

std::vector<std::string> UnknownDirectives(const LogFilter& filter) {
  return filter.Unknown(
      {All().server.name(), All().edge.name(), All().core.name(), All().grpc.name()});
}

std::string InitLog(const LogFilter& filter) {
  MutexLock lock(All().mu);
  for (log::Module* module : {&All().server, &All().edge, &All().core, &All().grpc}) {
    module->SetLevel(filter.LevelFor(module->name()));
  }
  return std::exchange(All().directives, filter.text());
}

void SetLogFormat(LogFormat format) {
  All().sink->set_formatter(FormatterFor(format));
  All().format.store(format, std::memory_order_relaxed);
}

namespace log {

Module::Module(const char* name, std::shared_ptr<spdlog::sinks::sink> sink)
    : logger_(std::make_unique<spdlog::logger>(name, std::move(sink))) {
  // The module filters.
  logger_->set_level(spdlog::level::trace);
}

Module::~Module() = default;

const std::string& Module::name() const { return logger_->name(); }

void Module::Write(LogLevel level, std::string_view event, Fields fields) {
  const bool json = All().format.load(std::memory_order_relaxed) == LogFormat::kJson;
  const std::string line = json ? LineAsJson(event, fields) : LineAsText(event, fields);
  logger_->log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

Module& Server() { return All().server; }
Module& Edge() { return All().edge; }
Module& Core() { return All().core; }
Module& Grpc() { return All().grpc; }

}  // namespace log
}  // namespace cairn

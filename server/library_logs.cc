#include "server/library_logs.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <cstring>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_limiter.h"
#include "base/thread_annotations.h"

namespace cairn::server {
namespace {

constexpr absl::Duration kLinesPer = absl::Seconds(10);
// Of gRPC's errors; messages that GRPC_VERBOSITY asks for are not limited.
constexpr int kGrpcErrors = 10;
constexpr int kProtobufLines = 3;

// Any thread.
class Limit {
 public:
  explicit Limit(int lines) : limiter_(clock_, lines, kLinesPer) {}
  std::optional<uint64_t> Admit() {
    MutexLock lock(mu_);
    return limiter_.Admit();
  }

 private:
  const SystemClock clock_ = {};
  Mutex mu_;
  LogLimiter limiter_ ABSL_GUARDED_BY(mu_);
};

const char* NameOf(const char* path) {
  const char* slash = std::strrchr(path, '/');
  return slash ? slash + 1 : path;
}

LogLevel LevelOf(gpr_log_severity severity) {
  switch (severity) {
    case GPR_LOG_SEVERITY_DEBUG:
      return LogLevel::kTrace;
    case GPR_LOG_SEVERITY_INFO:
      return LogLevel::kDebug;
    case GPR_LOG_SEVERITY_ERROR:
      break;
  }
  // gRPC recovers from what it calls an error, so it is a warning here.
  return LogLevel::kWarn;
}

void OnGrpcLog(gpr_log_func_args* args) {
  const LogLevel level = LevelOf(args->severity);
  if (!log::Grpc().On(level)) return;
  static Limit& errors = *new Limit(kGrpcErrors);  // gRPC's threads may outlive main()
  const std::optional<uint64_t> suppressed = level == LogLevel::kWarn ? errors.Admit() : 0;
  if (!suppressed) return;
  log::Log(log::Grpc(), level, "grpc",
           {{"message", log::Text(args->message)},
            {"file", NameOf(args->file)},
            {"line", args->line},
            {"suppressed", *suppressed}});
}

void OnProtobufLog(google::protobuf::LogLevel level, const char* file, int line,
                   const std::string& message) {
  if (level == google::protobuf::LOGLEVEL_INFO) return;
  static Limit& lines = *new Limit(kProtobufLines);  // other threads may outlive main()
  const std::optional<uint64_t> suppressed = lines.Admit();
  if (!suppressed) return;
  log::Warn(log::Grpc(), "protobuf",
            {{"message", log::Text(message)},
             {"file", NameOf(file)},
             {"line", line},
             {"suppressed", *suppressed}});
}

}  // namespace

void RouteGrpcLog() { gpr_set_log_function(OnGrpcLog); }

void RouteProtobufLog() { google::protobuf::SetLogHandler(OnProtobufLog); }

}  // namespace cairn::server

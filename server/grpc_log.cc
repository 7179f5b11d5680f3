#include "server/grpc_log.h"

#include <grpc/support/log.h>

#include <cstring>
#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_limiter.h"
#include "base/thread_annotations.h"

namespace cairn::server {
namespace {

// Limits errors only; messages that GRPC_VERBOSITY asks for are not limited.
constexpr int kErrorsSaid = 10;
constexpr absl::Duration kErrorsSaidPer = absl::Seconds(10);

struct Errors {
  const SystemClock clock = {};
  Mutex mu;
  LogLimiter limiter ABSL_GUARDED_BY(mu){clock, kErrorsSaid, kErrorsSaidPer};

  std::optional<uint64_t> Admit() {
    MutexLock lock(mu);
    return limiter.Admit();
  }
};

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
  static Errors& errors = *new Errors();  // gRPC's threads may outlive main()
  const std::optional<uint64_t> suppressed = level == LogLevel::kWarn ? errors.Admit() : 0;
  if (!suppressed) return;
  const char* slash = std::strrchr(args->file, '/');
  log::Log(log::Grpc(), level, "grpc",
           {{"message", log::Text(args->message)},
            {"file", slash ? slash + 1 : args->file},
            {"line", args->line},
            {"suppressed", *suppressed}});
}

}  // namespace

void RouteGrpcLog() { gpr_set_log_function(OnGrpcLog); }

}  // namespace cairn::server

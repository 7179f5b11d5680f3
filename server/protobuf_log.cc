#include "server/protobuf_log.h"

#include <google/protobuf/stubs/logging.h>

#include <cstring>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_limiter.h"
#include "base/thread_annotations.h"

namespace cairn::server {
namespace {

constexpr int kLines = 3;
constexpr absl::Duration kLinesPer = absl::Seconds(10);

struct Limit {
  const SystemClock clock = {};
  Mutex mu;
  LogLimiter limiter ABSL_GUARDED_BY(mu){clock, kLines, kLinesPer};

  std::optional<uint64_t> Admit() {
    MutexLock lock(mu);
    return limiter.Admit();
  }
};

void OnProtobufLog(google::protobuf::LogLevel level, const char* file, int line,
                   const std::string& message) {
  if (level == google::protobuf::LOGLEVEL_INFO) return;
  static Limit& limit = *new Limit();  // other threads may outlive main()
  const std::optional<uint64_t> suppressed = limit.Admit();
  if (!suppressed) return;
  const char* slash = std::strrchr(file, '/');
  log::Warn(log::Grpc(), "protobuf",
            {{"message", log::Text(message)},
             {"file", slash ? slash + 1 : file},
             {"line", line},
             {"suppressed", *suppressed}});
}

}  // namespace

void RouteProtobufLog() { google::protobuf::SetLogHandler(OnProtobufLog); }

}  // namespace cairn::server

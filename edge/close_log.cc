#include "edge/close_log.h"

#include <optional>

#include "base/log.h"

namespace cairn::edge {
namespace {

constexpr absl::Duration kSaidPer = absl::Minutes(1);

}  // namespace

const char* WarningFor(CloseReason reason) {
  switch (reason) {
    case CloseReason::kClientClosed:
    case CloseReason::kClientGone:
    case CloseReason::kConnectionLost:
    case CloseReason::kDraining:
    case CloseReason::kOperator:
    case CloseReason::kPongTimeout:
      return nullptr;
    case CloseReason::kBadProxyHeader:
    case CloseReason::kHandshakeTimeout:
    case CloseReason::kTlsFailed:
    case CloseReason::kUpgradeRefused:
    case CloseReason::kUnauthorized:
      return "handshake_failed";
    case CloseReason::kProtocolError:
    case CloseReason::kBadUtf8:
    case CloseReason::kTooManyTopics:
    case CloseReason::kTopicTooLong:
    case CloseReason::kMessageTooBig:
      return "rules_broken";
    case CloseReason::kTooManyHandshakes:
    case CloseReason::kSlowReader:
    case CloseReason::kQueuesFull:
    case CloseReason::kEdgeFull:
    case CloseReason::kAddressFull:
      return "overload_close";
  }
  return nullptr;
}

CloseLog::CloseLog(const Clock& clock)
    : limiters_(kCloseReasonCount, LogLimiter(clock, 1, kSaidPer)) {}

void CloseLog::Note(CloseReason reason, std::string_view error) {
  log::Debug(log::Edge(), "connection_closed", {{"reason", Name(reason)}});
  const char* warning = WarningFor(reason);
  // A client that connects and leaves before TLS is done is most often a load balancer's health
  // check.
  if (reason == CloseReason::kTlsFailed && error.empty()) return;
  if (!warning || !log::Edge().On(LogLevel::kWarn)) return;
  std::optional<uint64_t> suppressed;
  {
    MutexLock lock(mu_);
    suppressed = limiters_[static_cast<size_t>(reason)].Admit();
  }
  if (!suppressed) return;
  if (error.empty()) {
    log::Warn(log::Edge(), warning, {{"reason", Name(reason)}, {"suppressed", *suppressed}});
  } else {
    log::Warn(log::Edge(), warning,
              {{"reason", Name(reason)}, {"error", log::Text(error)}, {"suppressed", *suppressed}});
  }
}

}  // namespace cairn::edge

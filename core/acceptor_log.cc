#include "core/acceptor_log.h"

#include "base/log.h"

namespace cairn::core {

void AcceptorLog::TurnedAway(ConnectionRefusal reason) {
  Count(reason);
  if (const auto suppressed = turned_away_.Admit()) {
    log::Warn(log::Core(), "grpc_turned_away",
              {{"reason", Name(reason)}, {"suppressed", *suppressed}});
  }
}

void AcceptorLog::Refused(const absl::Status& status) {
  Count(ConnectionRefusal::kNoCredential);
  if (status.ok()) return;
  if (const auto suppressed = refusals_.Admit()) {
    log::Warn(log::Core(), "lane_refused",
              {{"error", log::Text(status.message())}, {"suppressed", *suppressed}});
  }
}

}  // namespace cairn::core

#include "core/acceptor_log.h"

#include "base/log.h"

namespace cairn::core {

void AcceptorLog::TurnedAway(const char* reason) {
  if (const auto suppressed = turned_away_.Admit()) {
    log::Warn(log::Core(), "grpc_turned_away", {{"reason", reason}, {"suppressed", *suppressed}});
  }
}

void AcceptorLog::Refused(const absl::Status& status) {
  if (status.ok()) return;
  if (const auto suppressed = refusals_.Admit()) {
    log::Warn(log::Core(), "lane_refused",
              {{"error", log::Text(status.message())}, {"suppressed", *suppressed}});
  }
}

}  // namespace cairn::core

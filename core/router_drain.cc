// Router: lanes that must go to other cores, because an operator wants this one to end.
#include <absl/status/status.h>

#include "core/router.h"

namespace cairn::core {

absl::Status Router::WhyDrained() {
  return absl::UnavailableError("the core drains: go to another");
}

uint32_t Router::SetDraining(bool draining) {
  draining_ = draining;
  uint32_t gone = 0;
  if (!draining) return gone;
  for (const auto& [id, lane] : directory_.lanes()) {
    if (!lane->attached() || !lane->channel) continue;
    ++gone;
    DetachStream(*lane, WhyDrained());
  }
  return gone;
}

}  // namespace cairn::core

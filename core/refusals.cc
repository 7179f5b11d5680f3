#include "core/refusals.h"

#include "base/log.h"

namespace cairn::core {

void Refusals::Add(LaneRefusal reason, std::string_view edge, uint32_t lane_index) {
  Count(reason);
  const auto suppressed = limiter_.Admit();
  if (!suppressed) return;
  log::Warn(log::Core(), "edge_refused",
            {{"edge", log::Text(edge)},
             {"lane", lane_index},
             {"reason", Name(reason)},
             {"suppressed", *suppressed}});
}

}  // namespace cairn::core

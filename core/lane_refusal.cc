#include "core/lane_refusal.h"

namespace cairn::core {

std::string_view Name(LaneRefusal reason) {
  static constexpr std::string_view kNames[] = {
#define X(enumerator, name) name,
      CAIRN_CORE_LANE_REFUSALS(X)
#undef X
  };
  return kNames[static_cast<size_t>(reason)];
}

}  // namespace cairn::core

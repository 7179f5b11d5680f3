#include "core/lane_end.h"

namespace cairn::core {

std::string_view Name(LaneEnd reason) {
  static constexpr std::string_view kNames[] = {
#define X(enumerator, name, code) name,
      CAIRN_CORE_LANE_ENDS(X)
#undef X
  };
  return kNames[static_cast<size_t>(reason)];
}

absl::Status StatusOf(LaneEnd reason) {
  static constexpr absl::StatusCode kCodes[] = {
#define X(enumerator, name, code) absl::StatusCode::code,
      CAIRN_CORE_LANE_ENDS(X)
#undef X
  };
  const std::string_view name = Name(reason);
  return absl::Status(kCodes[static_cast<size_t>(reason)],
                      absl::string_view(name.data(), name.size()));
}

}  // namespace cairn::core

// MeshCounters: counters of a mesh, for metrics.
//
// Owner:  Mesh; CoreSnapshot has a copy.
#ifndef CAIRN_CORE_MESH_COUNTERS_H_
#define CAIRN_CORE_MESH_COUNTERS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cairn::core {

// Why another core was given up, or relays to it were lost: the reasons in the metric.
enum class MeshEnd : uint8_t { kTimeout, kFull, kBroken, kReplaced };
inline constexpr size_t kMeshEndCount = 4;

constexpr std::string_view Name(MeshEnd reason) {
  constexpr std::array<std::string_view, kMeshEndCount> kNames = {"core_timeout", "core_full",
                                                                  "core_broken", "core_replaced"};
  return kNames[static_cast<size_t>(reason)];
}

struct MeshCounters {
  uint64_t relays_out = 0;    // to other cores
  uint64_t relays_in = 0;     // from other cores
  uint64_t moved = 0;         // lanes that came from another core
  uint64_t moved_relays = 0;  // that followed a lane from one core to another
  uint64_t stale_relays = 0;  // sent by a core that the sender's lane had left by then
  uint64_t missed_lanes = 0;  // lanes of other cores that were given up
  uint64_t resends = 0;       // on links that have ended
  std::array<uint64_t, kMeshEndCount> members_ended = {};
  std::array<uint64_t, kMeshEndCount> relays_given_up = {};
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_MESH_COUNTERS_H_

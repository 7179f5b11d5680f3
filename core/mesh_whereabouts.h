// MeshWhereabouts: the cores that a lane of the fleet is or was connected to, as one core knows
// them.
//
// Owner:  Mesh.
// Thread: the router's.
#ifndef CAIRN_CORE_MESH_WHEREABOUTS_H_
#define CAIRN_CORE_MESH_WHEREABOUTS_H_

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <vector>

#include "core/mesh_member.h"

namespace cairn::core {

// A core that a lane is or was connected to, for as long as an entry of MeshInterest may name it.
struct MeshPlace {
  uint64_t lane = 0;
  MeshMember* at = nullptr;
  bool live = false;  // relays go there
  bool over = false;
  bool lost = false;     // over, and its peers left with it
  bool returns = false;  // its lane was lost: its peers rejoin, until it is ready
};

struct MeshWhereabouts {
  static constexpr uint32_t kNowhere = 0xffffffff;

  uint64_t session = 0;  // the highest that this core knows of
  uint64_t latest = 0;   // for a lane of this core: its stream's, which may be one higher
  uint64_t core = 0;     // the core of that session; 0: the lane has left
  uint64_t source = 0;   // the last core that has its whole snapshot, and sends its relays
  // Indexes of places, or kNowhere.
  uint32_t believed = kNowhere;
  uint32_t arriving = kNowhere;  // where it is sending its snapshot
};

// A lane of this core that came or left: other cores may still send to where it was.
struct MeshMove {
  uint64_t session = 0;
  absl::flat_hash_set<uint64_t> unaware;  // cores that have not sent LANE_FOUND
  // Relays from cores that have sent it, to be delivered when the lane's snapshot is complete.
  std::vector<MeshRelay> deferred;
  // By core: the tags of relays that are not settled until that core has sent LANE_FOUND.
  absl::flat_hash_map<uint64_t, std::vector<uint64_t>> tags;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_MESH_WHEREABOUTS_H_

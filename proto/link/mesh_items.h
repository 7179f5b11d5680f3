// What a link needs to know of the messages that come from other cores; found by the namespace of
// its arguments.
//
// Thread: none of its own.
#ifndef CAIRN_PROTO_LINK_MESH_ITEMS_H_
#define CAIRN_PROTO_LINK_MESH_ITEMS_H_

#include <cstddef>
#include <string>

#include "signaling/v1/mesh.pb.h"

namespace cairn::signaling::v1 {

// As proto/link/cost.h: the memory that the items take.
inline size_t CostOf(const MeshMessage& message) {
  constexpr size_t kString = 48;
  size_t cost = 0;
  for (const std::string& item : message.items()) cost += kString + item.size();
  return cost;
}

inline int ItemCount(const MeshMessage& message) { return message.items_size(); }

}  // namespace cairn::signaling::v1

#endif  // CAIRN_PROTO_LINK_MESH_ITEMS_H_

// What a link needs to know of the messages that come from other cores; found by the namespace of
// its arguments.
//
// Thread: none of its own.
#ifndef CAIRN_PROTO_LINK_MESH_ITEMS_H_
#define CAIRN_PROTO_LINK_MESH_ITEMS_H_

#include <cstddef>

#include "signaling/v1/mesh.pb.h"

namespace cairn::signaling::v1 {

// As proto/link/cost.h: the memory that an item takes.
inline size_t CostOf(const MeshItem& item) {
  constexpr size_t kFixed = 32 + sizeof(MeshItem);
  constexpr size_t kString = 48;
  size_t cost = kFixed + static_cast<size_t>(item.ranges_size()) * sizeof(uint64_t);
  for (const size_t size : {item.topic().size(), item.payload().size(), item.record().size()})
    cost += size == 0 ? 0 : kString + size;
  return cost;
}
inline size_t CostOf(const MeshMessage& message) {
  size_t cost = 0;
  for (const MeshItem& item : message.items()) cost += CostOf(item);
  return cost;
}

inline int ItemCount(const MeshMessage& message) { return message.items_size(); }

}  // namespace cairn::signaling::v1

#endif  // CAIRN_PROTO_LINK_MESH_ITEMS_H_

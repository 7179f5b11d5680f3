// Messages between cores: packed as their sender writes them, and parsed as their receiver reads
// them.
#ifndef CAIRN_TESTS_SUPPORT_MESH_MESSAGES_H_
#define CAIRN_TESTS_SUPPORT_MESH_MESSAGES_H_

#include <string>
#include <string_view>
#include <vector>

#include "proto/link/mesh_out.h"

namespace cairn::core {

// The items of `message`, without its other fields.
inline link::MeshOut Packed(const signaling::v1::MeshMessage& message) {
  signaling::v1::MeshMessage items;
  *items.mutable_items() = message.items();
  link::MeshOut packed;
  packed.ParseFromString(items.SerializeAsString());
  return packed;
}

// The message that the receiver reads.
inline signaling::v1::MeshMessage Read(const signaling::v1::MeshMessage& head,
                                       std::string_view items) {
  signaling::v1::MeshMessage message;
  message.ParseFromString(head.SerializeAsString().append(items));
  return message;
}
inline signaling::v1::MeshMessage Read(const link::MeshOut& message) {
  return Read(message.head(), message.items());
}

inline std::vector<signaling::v1::MeshItem> ItemsOf(const signaling::v1::MeshMessage& message) {
  std::vector<signaling::v1::MeshItem> items;
  for (const std::string& bytes : message.items()) items.emplace_back().ParseFromString(bytes);
  return items;
}

}  // namespace cairn::core

#endif  // CAIRN_TESTS_SUPPORT_MESH_MESSAGES_H_

// The version of what an edge and a core say to each other: Hello.protocol_version and
// Welcome.protocol_version in lane.proto. Each refuses another version than its own.
#ifndef CAIRN_PROTO_LINK_PROTOCOL_VERSION_H_
#define CAIRN_PROTO_LINK_PROTOCOL_VERSION_H_

#include <cstdint>

namespace cairn::link {

inline constexpr uint32_t kProtocolVersion = 2;

}  // namespace cairn::link

#endif  // CAIRN_PROTO_LINK_PROTOCOL_VERSION_H_

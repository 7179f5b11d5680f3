// EdgeShare: the memory that all lanes of one edge, by its name, use in the core.
//
// Owner:  Directory, from the edge's first lane to its last.
// Thread: the router's.
#ifndef CAIRN_CORE_EDGE_SHARE_H_
#define CAIRN_CORE_EDGE_SHARE_H_

#include <cstddef>
#include <string_view>

#include "signaling/v1/lane.pb.h"

namespace cairn::core {

struct EdgeShare {
  size_t lanes = 0;
  // The cost of its peers and subscriptions, as below.
  size_t presence_bytes = 0;
};

// Records, table entries and string headers, measured (`./dev bench inspection`), with a margin.
inline size_t PresenceBytesOf(const signaling::v1::PeerInfo& info) {
  return 1024 + info.remote_address().size() + info.user_agent().size() + info.tls_version().size();
}
// Of a subscription, as if it were the topic's only one.
inline size_t PresenceBytesOf(std::string_view topic) { return 256 + topic.size(); }

}  // namespace cairn::core

#endif  // CAIRN_CORE_EDGE_SHARE_H_

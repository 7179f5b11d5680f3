// Ids of lanes and peers that prove which lane they belong to.
//
// A lane makes a secret when it starts. Its id, and those of its peers, are hashes of it: an edge
// that presents the secret proves the ids to any core, also to one that has just started and has no
// state. Finding another secret for a given id takes 2^64 attempts.
//
// Thread: any.
#ifndef CAIRN_PROTO_LINK_IDENTITY_H_
#define CAIRN_PROTO_LINK_IDENTITY_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cairn::link {

inline constexpr size_t kSecretBytes = 16;

// Not 0.
uint64_t LaneIdOf(std::string_view secret);
// The id of the lane's peer with that number. Not 0.
uint64_t PeerIdOf(std::string_view secret, uint64_t proof);

// Compares in constant time.
bool SameSecret(std::string_view a, std::string_view b);

// A peer's id and what it is made of.
struct PeerName {
  uint64_t id = 0;
  uint64_t proof = 0;
};

}  // namespace cairn::link

#endif  // CAIRN_PROTO_LINK_IDENTITY_H_

// PeerNames: makes the ids of a lane's peers, and the proofs that they are this lane's.
//
// Owner:  one Loop.
// Thread: that loop's.
#ifndef CAIRN_EDGE_PEER_NAMES_H_
#define CAIRN_EDGE_PEER_NAMES_H_

#include <absl/random/random.h>

#include <cstdint>
#include <string>
#include <utility>

#include "proto/link/identity.h"

namespace cairn::edge {

class PeerNames {
 public:
  // `secret`: LaneIdentity::secret.
  explicit PeerNames(std::string secret) : secret_(std::move(secret)) {}

  // A name that no other peer has: random, and not 0.
  link::PeerName New() {
    const uint64_t proof = random_();
    return {link::PeerIdOf(secret_, proof), proof};
  }

 private:
  // Immutable after construction.
  const std::string secret_;
  // Loop thread only.
  absl::BitGen random_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_PEER_NAMES_H_

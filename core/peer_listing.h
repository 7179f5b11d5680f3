// PeerListing: the peers of one ListPeers call, read a page at a time.
//
// Owner:  the stream, or the answer to another core, that sends it.
// Thread: the router's (inside an AdminCall).
// Bounds: kPage entries a step; see PeerScan.
#ifndef CAIRN_CORE_PEER_LISTING_H_
#define CAIRN_CORE_PEER_LISTING_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "core/listing_page.h"
#include "core/peer_scan.h"
#include "core/router.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::core {

class PeerListing {
 public:
  // INVALID_ARGUMENT for an unsupported combination of filter and order.
  static absl::StatusOr<PeerListing> Create(const signaling::v1::ListPeersRequest& request);

  // Appends up to kPage peers; false at the end. May append none although there are more: a step
  // examines a bounded part of the table.
  bool Step(const Router& router, signaling::v1::ListPeersResponse& out);

 private:
  using Keyed = std::pair<int64_t, uint64_t>;  // sort key, id

  explicit PeerListing(const signaling::v1::ListPeersRequest& request, uint64_t after);
  bool StepById(const Router& router, signaling::v1::ListPeersResponse& out);
  bool StepSorted(const Router& router, signaling::v1::ListPeersResponse& out);
  bool StepClosed(const Router& router, signaling::v1::ListPeersResponse& out);
  size_t Wanted() const { return WantedOfPage(request_.limit(), sent_); }

  const signaling::v1::ListPeersRequest request_;
  PeerScan scan_;
  uint64_t sent_ = 0;
  // For sorted listings: a heap with the next peer on top, complete once the scan is.
  std::vector<Keyed> heap_;
  bool scanned_ = false;
  // Closed listings: continue with ClosedPeer::number below it.
  uint64_t below_number_ = ~uint64_t{0};
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_PEER_LISTING_H_

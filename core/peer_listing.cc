#include "core/peer_listing.h"

#include <absl/status/status.h>

#include <algorithm>

#include "base/peer_id.h"
#include "core/descriptions.h"

namespace cairn::core {

using signaling::v1::ListPeersRequest;
using signaling::v1::ListPeersResponse;

namespace {

int64_t KeyOf(const PeerRecord& peer, ListPeersRequest::Sort sort) {
  switch (sort) {
    case ListPeersRequest::SORT_CONNECTED_SINCE:
      return peer.info.connected_since_us();
    case ListPeersRequest::SORT_LAST_ACTIVITY:
      return peer.stats.last_activity_us();
    case ListPeersRequest::SORT_MESSAGES_IN:
      return static_cast<int64_t>(peer.stats.messages_in());
    case ListPeersRequest::SORT_BYTES_IN:
      return static_cast<int64_t>(peer.stats.bytes_in());
    case ListPeersRequest::SORT_BYTES_OUT:
      return static_cast<int64_t>(peer.stats.bytes_out());
    case ListPeersRequest::SORT_QUEUED_BYTES:
      return static_cast<int64_t>(peer.stats.queued_bytes());
    case ListPeersRequest::SORT_RTT:
      return peer.stats.rtt_us();
    default:
      return 0;
  }
}

}  // namespace

absl::StatusOr<PeerListing> PeerListing::Create(const ListPeersRequest& request) {
  uint64_t after = 0;
  if (!request.page_token().empty()) {
    if (request.closed() || request.sort() != ListPeersRequest::SORT_ID || request.descending()) {
      return absl::InvalidArgumentError(
          "page_token goes with SORT_ID ascending, and not with closed");
    }
    const auto id = ParseId(request.page_token());
    if (!id) return absl::InvalidArgumentError("page_token is not one that an earlier call gave");
    after = *id;
  }
  if (request.closed() && !request.filter().topic().empty()) {
    return absl::InvalidArgumentError(
        "filter.topic does not go with closed: subscriptions are not kept");
  }
  return PeerListing(request, after);
}

PeerListing::PeerListing(const ListPeersRequest& request, uint64_t after)
    : request_(request), scan_(request.filter(), after) {}

bool PeerListing::Step(const Router& router, ListPeersResponse& out) {
  if (request_.closed()) return StepClosed(router, out);
  if (request_.sort() == ListPeersRequest::SORT_ID && !request_.descending())
    return StepById(router, out);
  return StepSorted(router, out);
}

bool PeerListing::StepById(const Router& router, ListPeersResponse& out) {
  const bool more = scan_.Step(router.directory(), Wanted(), [&](const PeerRecord& peer) {
    Describe(router, peer, request_.with_topics(), *out.add_peers());
    ++sent_;
  });
  if (Wanted() > 0) return more;
  if (more) out.set_next_page_token(FormatId(scan_.last()));
  return false;
}

bool PeerListing::StepSorted(const Router& router, ListPeersResponse& out) {
  const auto before = [this](const Keyed& a, const Keyed& b) {
    return request_.descending() ? a > b : a < b;
  };
  // The top of a heap is its largest element: "less" means that it comes later.
  const auto later = [&before](const Keyed& a, const Keyed& b) { return before(b, a); };
  if (!scanned_) {
    scanned_ = !scan_.Step(router.directory(), PeerScan::kScanPerStep, [&](const PeerRecord& peer) {
      heap_.emplace_back(KeyOf(peer, request_.sort()), peer.id);
      std::push_heap(heap_.begin(), heap_.end(), later);
    });
    Prune(request_.limit(), before, later, heap_);
    return true;
  }
  for (size_t wanted = Wanted(); wanted > 0 && !heap_.empty();) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const PeerRecord* peer = router.directory().Peer(heap_.back().second);
    heap_.pop_back();
    if (!peer) continue;  // closed since the scan
    Describe(router, *peer, request_.with_topics(), *out.add_peers());
    ++sent_;
    --wanted;
  }
  return !heap_.empty() && Wanted() > 0;
}

bool PeerListing::StepClosed(const Router& router, ListPeersResponse& out) {
  const Directory::History& history = router.directory().history();
  size_t wanted = Wanted();
  auto it = history.upper_bound(below_number_);
  for (size_t scanned = 0; it != history.end() && scanned < PeerScan::kScanPerStep;
       ++it, ++scanned) {
    if (wanted == 0) return Wanted() > 0;
    const ClosedPeer& closed = it->second;
    below_number_ = closed.number;
    if (!Fits(request_.filter(), closed)) continue;
    Describe(closed, *out.add_peers());
    ++sent_;
    --wanted;
  }
  return it != history.end();
}

}  // namespace cairn::core

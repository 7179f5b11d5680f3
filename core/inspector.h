// Inspector: the router's tables as operators see them: descriptions, and listings that are read a
// page at a time.
//
// Thread: the router's (inside an AdminCall).
// Bounds: kPage entries a step; see PeerScan.
#ifndef CAIRN_CORE_INSPECTOR_H_
#define CAIRN_CORE_INSPECTOR_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/peer_scan.h"
#include "core/router.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::core {

inline constexpr size_t kPage = 128;

void Describe(const Router& router, const PeerRecord& peer, bool with_topics,
              signaling::v1::Peer& out);
void Describe(const ClosedPeer& peer, signaling::v1::Peer& out);
void Describe(const Router& router, const TopicRecord& topic, signaling::v1::Topic& out);
// The records of a topic, with or without subscribers.
void DescribeRecords(const Router& router, const std::string& topic, signaling::v1::Topic& out);
void DescribeStatus(const Router& router, signaling::v1::GetStatusResponse& out);
void DescribeEdges(const Router& router, signaling::v1::ListEdgesResponse& out);

// One ListPeers call.
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
  // How many more the caller wants, at most kPage.
  size_t Wanted() const;

  const signaling::v1::ListPeersRequest request_;
  PeerScan scan_;
  uint64_t sent_ = 0;
  // For sorted listings: a heap with the next peer on top, complete once the scan is.
  std::vector<Keyed> heap_;
  bool scanned_ = false;
  uint64_t below_number_ =
      ~uint64_t{0};  // closed listings: continue with ClosedPeer::number below it
};

// One ListTopics call; as PeerListing.
class TopicListing {
 public:
  explicit TopicListing(signaling::v1::ListTopicsRequest request) : request_(std::move(request)) {}
  bool Step(const Router& router, signaling::v1::ListTopicsResponse& out);

 private:
  using Keyed = std::pair<double, std::string>;

  // By name, as the table is ordered.
  bool StepByName(const Router& router, signaling::v1::ListTopicsResponse& out);
  bool StepSorted(const Router& router, signaling::v1::ListTopicsResponse& out);
  // False at the end of the table.
  bool Scan(const Router& router);
  // How many more the caller wants, at most kPage.
  size_t Wanted() const;
  bool Before(const Keyed& a, const Keyed& b) const;
  double KeyOf(const Router& router, const TopicRecord& topic) const;

  const signaling::v1::ListTopicsRequest request_;
  bool started_ = false;
  std::string last_;
  uint64_t sent_ = 0;
  // For sorted listings, as in PeerListing.
  std::vector<Keyed> heap_;
  bool scanned_ = false;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_INSPECTOR_H_

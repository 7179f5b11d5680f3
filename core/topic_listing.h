// TopicListing: the topics of one ListTopics call, read a page at a time.
//
// Owner:  the stream, or the answer to another core, that sends it.
// Thread: the router's (inside an AdminCall).
// Bounds: kPage entries a step, PeerScan::kScanPerStep topics scanned.
#ifndef CAIRN_CORE_TOPIC_LISTING_H_
#define CAIRN_CORE_TOPIC_LISTING_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/listing_page.h"
#include "core/router.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::core {

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
  size_t Wanted() const { return WantedOfPage(request_.limit(), sent_); }
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

#endif  // CAIRN_CORE_TOPIC_LISTING_H_

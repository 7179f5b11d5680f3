#include "core/topic_listing.h"

#include <algorithm>

#include "core/descriptions.h"
#include "core/peer_scan.h"

namespace cairn::core {

using signaling::v1::ListTopicsRequest;
using signaling::v1::ListTopicsResponse;

double TopicListing::KeyOf(const Router& router, const TopicRecord& topic) const {
  switch (request_.sort()) {
    case ListTopicsRequest::SORT_SUBSCRIBERS: {
      double subscribers = 0;
      for (const Interest& interest : topic.interests) subscribers += interest.subscribers;
      return subscribers;
    }
    case ListTopicsRequest::SORT_RATE:
      return topic.rate.PerSecond(router.turn().steady_us);
    case ListTopicsRequest::SORT_RELAYS:
      return static_cast<double>(topic.relays);
    default:
      return 0;
  }
}

bool TopicListing::Before(const Keyed& a, const Keyed& b) const {
  if (a.first != b.first) return request_.descending() ? a.first > b.first : a.first < b.first;
  const bool by_name = request_.sort() == ListTopicsRequest::SORT_NAME;
  return by_name && request_.descending() ? a.second > b.second : a.second < b.second;
}

bool TopicListing::Step(const Router& router, ListTopicsResponse& out) {
  if (request_.sort() == ListTopicsRequest::SORT_NAME && !request_.descending())
    return StepByName(router, out);
  return StepSorted(router, out);
}

bool TopicListing::StepByName(const Router& router, ListTopicsResponse& out) {
  const auto& names = router.directory().topic_names();
  auto it = started_ ? names.upper_bound(last_) : names.lower_bound(request_.name_prefix());
  started_ = true;
  for (size_t wanted = Wanted(); wanted > 0; --wanted, ++it) {
    if (it == names.end() || !(*it)->name().starts_with(request_.name_prefix())) return false;
    last_ = (*it)->name();
    Describe(router, **it, *out.add_topics());
    ++sent_;
  }
  return Wanted() > 0;
}

bool TopicListing::Scan(const Router& router) {
  const auto& names = router.directory().topic_names();
  auto it = started_ ? names.upper_bound(last_) : names.lower_bound(request_.name_prefix());
  started_ = true;
  for (size_t scanned = 0; it != names.end() && scanned < PeerScan::kScanPerStep; ++it, ++scanned) {
    const TopicRecord& topic = **it;
    if (!topic.name().starts_with(request_.name_prefix())) return false;
    last_ = topic.name();
    heap_.emplace_back(KeyOf(router, topic), topic.name());
  }
  return it != names.end();
}

bool TopicListing::StepSorted(const Router& router, ListTopicsResponse& out) {
  const auto before = [this](const Keyed& a, const Keyed& b) { return Before(a, b); };
  const auto later = [this](const Keyed& a, const Keyed& b) { return Before(b, a); };
  if (!scanned_) {
    const size_t had = heap_.size();
    scanned_ = !Scan(router);
    for (size_t size = had + 1; size <= heap_.size(); ++size)
      std::push_heap(heap_.begin(), heap_.begin() + static_cast<ptrdiff_t>(size), later);
    Prune(request_.limit(), before, later, heap_);
    return true;
  }
  for (size_t wanted = Wanted(); wanted > 0 && !heap_.empty();) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const TopicRecord* topic = router.directory().Topic(heap_.back().second);
    heap_.pop_back();
    if (!topic) continue;  // removed since the scan
    Describe(router, *topic, *out.add_topics());
    ++sent_;
    --wanted;
  }
  return !heap_.empty() && Wanted() > 0;
}

}  // namespace cairn::core

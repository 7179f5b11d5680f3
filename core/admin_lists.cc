// AdminStreams: lists, and calls that are refused.
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <utility>

#include "core/admin_streams.h"
#include "core/grpc_status.h"
#include "core/peer_listing.h"
#include "core/router.h"
#include "core/topic_listing.h"

namespace cairn::core {

namespace {

namespace v1 = signaling::v1;

int EntriesIn(const v1::ListPeersResponse& page) {
  return page.peers_size() + (page.next_page_token().empty() ? 0 : 1);
}
int EntriesIn(const v1::ListTopicsResponse& page) { return page.topics_size(); }

// As fast as the reader reads it. Exactly one operation is in progress at any time: a step in the
// router, or a write. Listing::Step(const Router&, Page&) appends a page's entries and returns
// false at the end.
template <typename Listing, typename Page>
class ListStream final : public grpc::ServerWriteReactor<Page> {
 public:
  ListStream(Core& core, Listing listing) : core_(core), listing_(std::move(listing)) { Advance(); }

  void OnWriteDone(bool ok) override {
    if (!ok || !more_) return this->Finish(ok ? grpc::Status::OK : grpc::Status::CANCELLED);
    Advance();
  }
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }

 private:
  void Advance() {
    RouterInput step = AdminCall{[this](Router& router) { Step(router); }};
    core_.Enter(step);
  }
  void Step(Router& router) {
    page_.Clear();
    more_ = listing_.Step(router, page_);
    if (cancelled_) return this->Finish(grpc::Status::CANCELLED);
    if (EntriesIn(page_) > 0) return this->StartWrite(&page_);
    if (!more_) return this->Finish(grpc::Status::OK);
    Advance();  // queued after the inputs that wait for the router
  }

  Core& core_;
  Listing listing_;
  Page page_;
  bool more_ = true;
  std::atomic<bool> cancelled_{false};
};

}  // namespace

AdminStreams::Stream<v1::ListPeersResponse>* AdminStreams::ListPeers(
    const v1::ListPeersRequest& request) {
  absl::StatusOr<PeerListing> listing = PeerListing::Create(request);
  if (!listing.ok()) return Refused<v1::ListPeersResponse>(listing.status());
  return new ListStream<PeerListing, v1::ListPeersResponse>(core_, *std::move(listing));
}

AdminStreams::Stream<v1::ListTopicsResponse>* AdminStreams::ListTopics(
    const v1::ListTopicsRequest& request) {
  return new ListStream<TopicListing, v1::ListTopicsResponse>(core_, TopicListing(request));
}

}  // namespace cairn::core

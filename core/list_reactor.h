// ListReactor: a server stream that sends a listing a page at a time, as fast as the reader reads
// it.
//
// Owner:  itself, until OnDone(). Exactly one operation is in progress at any time: a step in the
//         router, or a write.
// Thread: gRPC's, and the router's in its steps.
#ifndef CAIRN_CORE_LIST_REACTOR_H_
#define CAIRN_CORE_LIST_REACTOR_H_

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <utility>

#include "core/core.h"

namespace cairn::core {

// REQUIRES: Listing::Step(const Router&, Page&) appends a page's entries and returns false at the
// end; `Count(page)` is the number of entries.
template <typename Listing, typename Page, int (*Count)(const Page&)>
class ListReactor final : public grpc::ServerWriteReactor<Page> {
 public:
  ListReactor(Core& core, Listing listing) : core_(core), listing_(std::move(listing)) {
    Advance();
  }

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
    if (Count(page_) > 0) return this->StartWrite(&page_);
    if (!more_) return this->Finish(grpc::Status::OK);
    Advance();  // queued after the inputs that wait for the router
  }

  Core& core_;
  Listing listing_;
  Page page_;
  bool more_ = true;
  std::atomic<bool> cancelled_{false};
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_LIST_REACTOR_H_

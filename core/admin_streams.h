// AdminStreams: the server streams of the Admin service: lists a page at a time, feeds for readers
// who may be slow, and both from other cores of the fleet.
//
// Owner:  AdminService. A stream owns itself, until gRPC is done with it.
// Thread: gRPC's; lists and feeds are filled in the router, and by the bus.
// Bounds: a page of a list; kMaxQueuedEvents records of a feed, then it is told how many it missed;
//         the window of a call to another core (core/fleet_calls.h).
// Errors: a stream ends with a status. A feed ends when its credential is revoked.
#ifndef CAIRN_CORE_ADMIN_STREAMS_H_
#define CAIRN_CORE_ADMIN_STREAMS_H_

#include <absl/status/status.h>

#include <cstdint>
#include <memory>
#include <string>

#include "core/authority.h"
#include "core/core.h"
#include "core/fleet_calls.h"
#include "core/live_feed.h"
#include "signaling/v1/admin.pb.h"

namespace grpc {
template <class Response>
class ServerWriteReactor;
}

namespace cairn::core {

class AdminStreams {
 public:
  template <typename Message>
  using Stream = grpc::ServerWriteReactor<Message>;

  // Both must outlive the object and every stream.
  AdminStreams(Core& core, Authority& authority) : core_(core), authority_(authority) {}

  // ---- of this core
  Stream<signaling::v1::ListPeersResponse>* ListPeers(
      const signaling::v1::ListPeersRequest& request);
  Stream<signaling::v1::ListTopicsResponse>* ListTopics(
      const signaling::v1::ListTopicsRequest& request);
  Stream<signaling::v1::Event>* Watch(const signaling::v1::WatchRequest& request,
                                      LiveFeed::Place place, const Credentials& caller);
  Stream<signaling::v1::TraceRecord>* Trace(const signaling::v1::TraceRequest& request,
                                            LiveFeed::Place place, const Credentials& caller);

  // ---- one of the messages above
  // What another core answers. `calls` must outlive the stream.
  template <typename Message>
  Stream<Message>* FromCore(FleetCalls& calls, uint64_t core, FleetCalls::Frame::Method method,
                            std::string request, bool may_operate, const Credentials& caller);
  // Only this status.
  template <typename Message>
  static Stream<Message>* Refused(const absl::Status& status);

 private:
  template <typename Feed, typename Listener, typename Join>
  Feed* Begin(const std::shared_ptr<Feed>& feed, const Credentials& caller, Join join);
  // The stream ends when the credential is revoked.
  template <typename Feed>
  void HoldLease(const std::shared_ptr<Feed>& feed, const Credentials& caller);

  // Borrowed; must outlive this.
  Core& core_;
  Authority& authority_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_ADMIN_STREAMS_H_

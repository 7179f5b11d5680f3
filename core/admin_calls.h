// AdminCalls: what operators ask of this core, and make it do, without gRPC: for callers of its own
// port (core/admin_service.h) and for other cores of its fleet (core/fleet_answers.h), which check
// who may.
//
// Owner:  AdminService, and one for other cores of the fleet (server/mesh_connection.h).
// Thread: any. `done` is called once, with the router entered or by the calling thread.
// Errors: as admin.proto says.
#ifndef CAIRN_CORE_ADMIN_CALLS_H_
#define CAIRN_CORE_ADMIN_CALLS_H_

#include <absl/status/statusor.h>

#include <functional>
#include <string>
#include <utility>

#include "core/core.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::core {

inline constexpr size_t kMaxQueuedEvents = 4096;  // that a watcher has not read

class AdminCalls {
 public:
  using Done = std::function<void(const absl::Status&)>;
  // `request` and `response` must live until `done` is called.
  template <typename Request, typename Response>
  using Unary = void (AdminCalls::*)(const Request& request, Response* response, Done done);

  // `core` must outlive the object and every call. `version`: the program's.
  AdminCalls(Core& core, std::string version) : core_(core), version_(std::move(version)) {}

  void GetStatus(const signaling::v1::GetStatusRequest& request,
                 signaling::v1::GetStatusResponse* response, Done done);
  void GetPeer(const signaling::v1::GetPeerRequest& request, signaling::v1::Peer* response,
               Done done);
  void Disconnect(const signaling::v1::DisconnectRequest& request,
                  signaling::v1::DisconnectResponse* response, Done done);
  void GetTopic(const signaling::v1::GetTopicRequest& request, signaling::v1::Topic* response,
                Done done);
  void ListEdges(const signaling::v1::ListEdgesRequest& request,
                 signaling::v1::ListEdgesResponse* response, Done done);
  void DrainEdge(const signaling::v1::DrainEdgeRequest& request,
                 signaling::v1::DrainEdgeResponse* response, Done done);
  void SetLogLevel(const signaling::v1::SetLogLevelRequest& request,
                   signaling::v1::SetLogLevelResponse* response, Done done);
  void DrainCore(const signaling::v1::DrainCoreRequest& request,
                 signaling::v1::DrainCoreResponse* response, Done done);

  // The peer of a TraceRequest, 0 if it names a topic; or what is wrong with the request.
  static absl::StatusOr<uint64_t> PeerToTrace(const signaling::v1::TraceRequest& request);
  static absl::Status TooManyListeners();

  Core& core() { return core_; }

 private:
  void InRouter(std::function<absl::Status(Router&)> run, Done done);

  // Borrowed; must outlive this.
  Core& core_;
  const std::string version_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_ADMIN_CALLS_H_

// AdminClient: calls of the core's Admin service, one method each. The adapter to gRPC.
//
// Every call ends within the time-out, except Watch and Trace, which have none. Every call asks
// `stop` ten times a second and ends with CANCELLED when it returns true.
//
// Thread: one.
// Bounds: answers of at most 64 MiB a message.
// Errors: the core's status as absl::Status (the codes are the same); UNAVAILABLE when the core
//         cannot be reached, DEADLINE_EXCEEDED when it does not answer.
#ifndef CAIRN_ADMIN_CLI_RPC_ADMIN_CLIENT_H_
#define CAIRN_ADMIN_CLI_RPC_ADMIN_CLIENT_H_

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <string>

#include "admin-cli/rpc/connection_options.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::admin {

namespace v1 = ::cairn::signaling::v1;

class AdminClient {
 public:
  // Does not connect yet. INVALID_ARGUMENT names the option that is invalid.
  static absl::StatusOr<std::unique_ptr<AdminClient>> Create(const ConnectionOptions& options,
                                                             std::function<bool()> stop);
  ~AdminClient();

  // The same connection, for another core of the fleet; "": for the one that it leads to.
  std::unique_ptr<AdminClient> ForCore(const std::string& core_id,
                                       std::function<bool()> stop) const;

  absl::StatusOr<v1::GetStatusResponse> GetStatus();
  absl::StatusOr<v1::Peer> GetPeer(const v1::GetPeerRequest& request);
  absl::StatusOr<v1::DisconnectResponse> Disconnect(const v1::DisconnectRequest& request);
  absl::StatusOr<v1::Topic> GetTopic(const v1::GetTopicRequest& request);
  absl::StatusOr<v1::ListEdgesResponse> ListEdges();
  absl::StatusOr<v1::DrainEdgeResponse> DrainEdge(const v1::DrainEdgeRequest& request);
  absl::StatusOr<v1::SetLogLevelResponse> SetLogLevel(const v1::SetLogLevelRequest& request);
  absl::StatusOr<v1::ListCoresResponse> ListCores();
  absl::StatusOr<v1::DrainCoreResponse> DrainCore(const v1::DrainCoreRequest& request);

  // `each` is called with every message, in order; the time-out applies to each of them. If it
  // returns false, the call ends with OK.
  template <typename Message>
  using Each = std::function<bool(const Message&)>;
  absl::Status ListPeers(const v1::ListPeersRequest& request,
                         const Each<v1::ListPeersResponse>& each);
  absl::Status ListTopics(const v1::ListTopicsRequest& request,
                          const Each<v1::ListTopicsResponse>& each);
  // These two last until `each` or `stop` ends them, or the core does.
  absl::Status Watch(const v1::WatchRequest& request, const Each<v1::Event>& each);
  absl::Status Trace(const v1::TraceRequest& request, const Each<v1::TraceRecord>& each);

 private:
  struct Parts;

  explicit AdminClient(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_RPC_ADMIN_CLIENT_H_

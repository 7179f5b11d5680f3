#include "core/admin_service.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <grpcpp/server_context.h>

#include <functional>
#include <memory>
#include <utility>

#include "base/peer_id.h"
#include "core/admin_calls.h"
#include "core/admin_streams.h"
#include "core/ask_one.h"
#include "core/authority.h"
#include "core/describe_cores.h"
#include "core/fleet.h"
#include "core/grpc_status.h"
#include "signaling/v1/admin.grpc.pb.h"

namespace cairn::core {
namespace {

namespace v1 = signaling::v1;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using Method = v1::FleetFrame::Method;
using Frame = v1::FleetFrame;

constexpr char kCoreKey[] = "cairn-core";

class AdminService final : public v1::Admin::CallbackService {
 public:
  AdminService(Core& core, Authority& authority, std::string name, std::string version,
               Fleet* fleet)
      : core_(core),
        authority_(authority),
        fleet_(fleet),
        name_(std::move(name)),
        version_(std::move(version)),
        calls_(core, version_),
        streams_(core, authority) {}

  ServerUnaryReactor* GetStatus(CallbackServerContext* context, const v1::GetStatusRequest* request,
                                v1::GetStatusResponse* response) override {
    return Answer(context, Frame::METHOD_GET_STATUS, &AdminCalls::GetStatus, *request, response);
  }
  ServerUnaryReactor* GetPeer(CallbackServerContext* context, const v1::GetPeerRequest* request,
                              v1::Peer* response) override {
    return Answer(context, Frame::METHOD_GET_PEER, &AdminCalls::GetPeer, *request, response);
  }
  ServerUnaryReactor* Disconnect(CallbackServerContext* context,
                                 const v1::DisconnectRequest* request,
                                 v1::DisconnectResponse* response) override {
    return Answer(context, Frame::METHOD_DISCONNECT, &AdminCalls::Disconnect, *request, response);
  }
  ServerUnaryReactor* GetTopic(CallbackServerContext* context, const v1::GetTopicRequest* request,
                               v1::Topic* response) override {
    return Answer(context, Frame::METHOD_GET_TOPIC, &AdminCalls::GetTopic, *request, response);
  }
  ServerUnaryReactor* ListEdges(CallbackServerContext* context, const v1::ListEdgesRequest* request,
                                v1::ListEdgesResponse* response) override {
    return Answer(context, Frame::METHOD_LIST_EDGES, &AdminCalls::ListEdges, *request, response);
  }
  ServerUnaryReactor* DrainEdge(CallbackServerContext* context, const v1::DrainEdgeRequest* request,
                                v1::DrainEdgeResponse* response) override {
    return Answer(context, Frame::METHOD_DRAIN_EDGE, &AdminCalls::DrainEdge, *request, response);
  }
  ServerUnaryReactor* SetLogLevel(CallbackServerContext* context,
                                  const v1::SetLogLevelRequest* request,
                                  v1::SetLogLevelResponse* response) override {
    return Answer(context, Frame::METHOD_SET_LOG_LEVEL, &AdminCalls::SetLogLevel, *request,
                  response);
  }

  ServerUnaryReactor* DrainCore(CallbackServerContext* context, const v1::DrainCoreRequest* request,
                                v1::DrainCoreResponse* response) override {
    return Answer(context, Frame::METHOD_DRAIN_CORE, &AdminCalls::DrainCore, *request, response);
  }

  // Of this core's view: not passed on.
  ServerUnaryReactor* ListCores(CallbackServerContext* context, const v1::ListCoresRequest*,
                                v1::ListCoresResponse* response) override {
    ServerUnaryReactor* reactor = context->DefaultReactor();
    if (const absl::Status status = authority_.CheckCall(*context, Capability::kView);
        !status.ok()) {
      reactor->Finish(ToGrpc(status));
      return reactor;
    }
    if (fleet_) {
      response->set_fleet(fleet_->name());
      response->set_bus_up(fleet_->up());
    }
    RouterInput describe = AdminCall{[this, reactor, response](Router& router) {
      DescribeCores(router, name_, version_, *response);
      reactor->Finish(grpc::Status::OK);
    }};
    core_.Enter(describe);
    return reactor;
  }

  grpc::ServerWriteReactor<v1::ListPeersResponse>* ListPeers(
      CallbackServerContext* context, const v1::ListPeersRequest* request) override {
    return Stream<v1::ListPeersResponse>(context, Frame::METHOD_LIST_PEERS, *request,
                                         [&] { return streams_.ListPeers(*request); });
  }
  grpc::ServerWriteReactor<v1::ListTopicsResponse>* ListTopics(
      CallbackServerContext* context, const v1::ListTopicsRequest* request) override {
    return Stream<v1::ListTopicsResponse>(context, Frame::METHOD_LIST_TOPICS, *request,
                                          [&] { return streams_.ListTopics(*request); });
  }
  grpc::ServerWriteReactor<v1::Event>* Watch(CallbackServerContext* context,
                                             const v1::WatchRequest* request) override {
    return Stream<v1::Event>(context, Frame::METHOD_WATCH, *request, [&] {
      return streams_.Watch(*request, PlaceOf(context), CredentialsOf(*context));
    });
  }
  grpc::ServerWriteReactor<v1::TraceRecord>* Trace(CallbackServerContext* context,
                                                   const v1::TraceRequest* request) override {
    return Stream<v1::TraceRecord>(context, Frame::METHOD_TRACE, *request, [&] {
      return streams_.Trace(*request, PlaceOf(context), CredentialsOf(*context));
    });
  }

 private:
  // The caller must be allowed to make the call, and say for which core it is if not for this one.
  absl::StatusOr<uint64_t> Admit(const CallbackServerContext& context, Method method) const {
    const Capability wanted = MustOperate(method) ? Capability::kOperate : Capability::kView;
    if (absl::Status status = authority_.CheckCall(context, wanted); !status.ok()) return status;
    const auto named = context.client_metadata().find(kCoreKey);
    if (named == context.client_metadata().end()) return 0;
    const std::string text(named->second.data(), named->second.size());
    const auto id = ParseId(text);
    if (!id || !fleet_)
      return absl::NotFoundError(absl::StrCat("no core of the fleet has the id '", text, "'"));
    return *id == core_.id() ? 0 : *id;
  }

  // Answers with the result of `run`, here or at another core.
  template <typename Request, typename Response>
  ServerUnaryReactor* Answer(CallbackServerContext* context, Method method,
                             AdminCalls::Unary<Request, Response> run, const Request& request,
                             Response* response) {
    // Once a call: gRPC aborts the process on a second one.
    ServerUnaryReactor* reactor = context->DefaultReactor();
    const auto done = [reactor](const absl::Status& status) { reactor->Finish(ToGrpc(status)); };
    const absl::StatusOr<uint64_t> core = Admit(*context, method);
    if (!core.ok()) {
      done(core.status());
    } else if (*core != 0) {
      AskOne(fleet_->asked(), *core, method, request.SerializeAsString(), IsOperator(context),
             *response, done);
    } else {
      (calls_.*run)(request, response, done);
    }
    return reactor;
  }

  // The same for many messages; `here` makes the stream of this core.
  template <typename Response, typename Request, typename Here>
  grpc::ServerWriteReactor<Response>* Stream(CallbackServerContext* context, Method method,
                                             const Request& request, Here here) {
    const absl::StatusOr<uint64_t> core = Admit(*context, method);
    if (!core.ok()) return AdminStreams::Refused<Response>(core.status());
    if (*core == 0) return here();
    return streams_.FromCore<Response>(fleet_->asked(), *core, method, request.SerializeAsString(),
                                       IsOperator(context), CredentialsOf(*context));
  }

  bool IsOperator(const CallbackServerContext* context) const {
    return authority_.CheckCall(*context, Capability::kOperate).ok();
  }
  LiveFeed::Place PlaceOf(const CallbackServerContext* context) const {
    return IsOperator(context) ? LiveFeed::Place::kOperator : LiveFeed::Place::kViewer;
  }

  // Borrowed; must outlive this.
  Core& core_;
  Authority& authority_;
  Fleet* const fleet_;  // null: none

  const std::string name_, version_;
  AdminCalls calls_;
  AdminStreams streams_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewAdminService(Core& core, Authority& authority, std::string name,
                                               std::string version, Fleet* fleet) {
  return std::make_unique<AdminService>(core, authority, std::move(name), std::move(version),
                                        fleet);
}

}  // namespace cairn::core

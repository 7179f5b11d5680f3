#include "core/admin_service.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <grpcpp/server_context.h>

#include <functional>
#include <memory>
#include <utility>

#include "base/peer_id.h"
#include "core/admin_calls.h"
#include "core/authority.h"
#include "core/describe_cores.h"
#include "core/feed_reactor.h"
#include "core/fleet.h"
#include "core/fleet_reactor.h"
#include "core/grpc_status.h"
#include "core/list_reactor.h"
#include "core/peer_listing.h"
#include "core/topic_listing.h"
#include "signaling/v1/admin.grpc.pb.h"

namespace cairn::core {
namespace {

namespace v1 = signaling::v1;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using Method = v1::FleetFrame::Method;
using Frame = v1::FleetFrame;

constexpr char kCoreKey[] = "cairn-core";

int PeersIn(const v1::ListPeersResponse& page) {
  return page.peers_size() + (page.next_page_token().empty() ? 0 : 1);
}
int TopicsIn(const v1::ListTopicsResponse& page) { return page.topics_size(); }
using PeerListReactor = ListReactor<PeerListing, v1::ListPeersResponse, PeersIn>;
using TopicListReactor = ListReactor<TopicListing, v1::ListTopicsResponse, TopicsIn>;

// A call that only returns this status.
template <typename Response>
class RefusedStream final : public grpc::ServerWriteReactor<Response> {
 public:
  explicit RefusedStream(const absl::Status& status) { this->Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

class WatchReactor final : public FeedReactor<v1::Event>, public EventListener {
 public:
  using FeedReactor::FeedReactor;
  void OnEvent(const v1::Event& event) override { Offer(event); }

 private:
  void MarkMissed(v1::Event& event) override { event.set_kind(v1::Event::KIND_MISSED); }
};

class TraceReactor final : public FeedReactor<v1::TraceRecord>, public TraceListener {
 public:
  using FeedReactor::FeedReactor;
  void OnFrame(const v1::TraceRecord& record) override { Offer(record); }
};

class AdminService final : public v1::Admin::CallbackService {
 public:
  AdminService(Core& core, Authority& authority, std::string name, std::string version,
               Fleet* fleet)
      : core_(core),
        authority_(authority),
        fleet_(fleet),
        name_(std::move(name)),
        version_(std::move(version)),
        calls_(core, version_) {}

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
    return Stream<v1::ListPeersResponse>(
        context, Frame::METHOD_LIST_PEERS, *request,
        [&]() -> grpc::ServerWriteReactor<v1::ListPeersResponse>* {
          absl::StatusOr<PeerListing> listing = PeerListing::Create(*request);
          if (!listing.ok()) return new RefusedStream<v1::ListPeersResponse>(listing.status());
          return new PeerListReactor(core_, *std::move(listing));
        });
  }

  grpc::ServerWriteReactor<v1::ListTopicsResponse>* ListTopics(
      CallbackServerContext* context, const v1::ListTopicsRequest* request) override {
    return Stream<v1::ListTopicsResponse>(context, Frame::METHOD_LIST_TOPICS, *request, [&] {
      return new TopicListReactor(core_, TopicListing(*request));
    });
  }

  grpc::ServerWriteReactor<v1::Event>* Watch(CallbackServerContext* context,
                                             const v1::WatchRequest* request) override {
    return Stream<v1::Event>(context, Frame::METHOD_WATCH, *request, [&] {
      return Feed<WatchReactor, EventListener>(
          context, [wanted = *request, place = PlaceOf(context)](Router& router, auto reactor) {
            return router.feed().AddWatcher(reactor, wanted, place);
          });
    });
  }

  grpc::ServerWriteReactor<v1::TraceRecord>* Trace(CallbackServerContext* context,
                                                   const v1::TraceRequest* request) override {
    using Reactor = grpc::ServerWriteReactor<v1::TraceRecord>;
    return Stream<v1::TraceRecord>(context, Frame::METHOD_TRACE, *request, [&]() -> Reactor* {
      const absl::StatusOr<uint64_t> peer = AdminCalls::PeerToTrace(*request);
      if (!peer.ok()) return new RefusedStream<v1::TraceRecord>(peer.status());
      return Feed<TraceReactor, TraceListener>(
          context, [peer = *peer, topic = request->topic(), place = PlaceOf(context)](
                       Router& router, auto reactor) {
            return router.feed().AddTracer(reactor, peer, topic, place);
          });
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

  // The same for many messages; `here` makes the reactor of this core.
  template <typename Response, typename Request, typename Here>
  grpc::ServerWriteReactor<Response>* Stream(CallbackServerContext* context, Method method,
                                             const Request& request, Here here) {
    const absl::StatusOr<uint64_t> core = Admit(*context, method);
    if (!core.ok()) return new RefusedStream<Response>(core.status());
    if (*core == 0) return here();
    const auto reactor = std::make_shared<FleetReactor<Response>>(fleet_->asked());
    reactor->Begin(*core, method, request.SerializeAsString(), IsOperator(context));
    HoldLease(*context, reactor);
    return reactor.get();
  }

  template <typename Reactor, typename Listener, typename Join>
  Reactor* Feed(CallbackServerContext* context, Join join_feed) {
    const auto reactor = std::make_shared<Reactor>(kMaxQueuedEvents);
    reactor->Begin([this, raw = reactor.get()] { Leave<Listener>(raw); });
    RouterInput join = AdminCall{[reactor, join_feed](Router& router) {
      if (!join_feed(router, reactor)) reactor->End(ToGrpc(AdminCalls::TooManyListeners()));
    }};
    core_.Enter(join);
    HoldLease(*context, reactor);
    return reactor.get();
  }

  // The stream ends when the credential is revoked.
  template <typename Reactor>
  void HoldLease(const CallbackServerContext& context, const std::shared_ptr<Reactor>& reactor) {
    reactor->SetLease(authority_.Hold(CredentialsOf(context), Capability::kView,
                                      [feed = std::weak_ptr(reactor)](const absl::Status& status) {
                                        if (const auto living = feed.lock())
                                          living->Revoke(ToGrpc(status));
                                      }));
  }

  bool IsOperator(const CallbackServerContext* context) const {
    return authority_.CheckCall(*context, Capability::kOperate).ok();
  }
  LiveFeed::Place PlaceOf(const CallbackServerContext* context) const {
    return IsOperator(context) ? LiveFeed::Place::kOperator : LiveFeed::Place::kViewer;
  }

  template <typename Listener>
  void Leave(const Listener* listener) {
    RouterInput leave = AdminCall{[listener](Router& router) { router.feed().Remove(listener); }};
    core_.Enter(leave);
  }

  // Borrowed; must outlive this.
  Core& core_;
  Authority& authority_;
  Fleet* const fleet_;  // null: none

  const std::string name_, version_;
  AdminCalls calls_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewAdminService(Core& core, Authority& authority, std::string name,
                                               std::string version, Fleet* fleet) {
  return std::make_unique<AdminService>(core, authority, std::move(name), std::move(version),
                                        fleet);
}

}  // namespace cairn::core

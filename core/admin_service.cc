#include "core/admin_service.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <grpcpp/server_context.h>

#include <functional>
#include <memory>
#include <utility>

#include "base/log.h"
#include "base/peer_id.h"
#include "base/resident_memory.h"
#include "core/authority.h"
#include "core/feed_reactor.h"
#include "core/inspector.h"
#include "core/list_reactor.h"
#include "signaling/v1/admin.grpc.pb.h"

namespace cairn::core {
namespace {

namespace v1 = signaling::v1;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using grpc::StatusCode;

constexpr uint32_t kPolicyViolation = 1008;  // RFC 6455 7.4.1
constexpr size_t kMaxReasonBytes = 123;      // RFC 6455 5.5
constexpr int kMaxTopicPeers = 1000;

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<StatusCode>(status.code()), std::string(status.message()));
}

grpc::Status UnknownPeer(const std::string& id) {
  return grpc::Status(StatusCode::NOT_FOUND, absl::StrCat("no peer has the id '", id, "'"));
}

grpc::Status UnknownTopic(const std::string& name) {
  return grpc::Status(StatusCode::NOT_FOUND, absl::StrCat("nobody is subscribed to '", name,
                                                          "' and nothing is published there"));
}

bool IsCloseCode(uint32_t code) {
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) ||
         (code >= 3000 && code <= 4999);
}

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
  explicit RefusedStream(const grpc::Status& status) { this->Finish(status); }
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

// Iterates over the peers that match a filter, a bounded number at a time, and finishes at the end
// of the table.
struct PeerWalk {
  PeerScan scan;
  std::function<bool(Router&, const PeerRecord&)> visit;  // false: enough
  std::function<void()> finish;
};

void Walk(Core& core, std::shared_ptr<PeerWalk> walk) {
  RouterInput step = AdminCall{[&core, walk](Router& router) {
    bool enough = false;
    const bool more =
        walk->scan.Step(router.directory(), PeerScan::kScanPerStep, [&](const PeerRecord& peer) {
          if (!enough) enough = !walk->visit(router, peer);
        });
    if (more && !enough) return Walk(core, walk);
    walk->finish();
  }};
  core.Enter(step);
}

class AdminService final : public v1::Admin::CallbackService {
 public:
  AdminService(Core& core, Authority& authority, std::string version)
      : core_(core), authority_(authority), version_(std::move(version)) {}

  ServerUnaryReactor* GetStatus(CallbackServerContext* context, const v1::GetStatusRequest*,
                                v1::GetStatusResponse* response) override {
    return InRouter(context, Capability::kView, [this, response](Router& router) {
      DescribeStatus(router, *response);
      response->set_version(version_);
      response->set_resident_bytes(ResidentBytes());
      return grpc::Status::OK;
    });
  }

  ServerUnaryReactor* GetPeer(CallbackServerContext* context, const v1::GetPeerRequest* request,
                              v1::Peer* response) override {
    return InRouter(context, Capability::kView, [request, response](Router& router) {
      const auto id = ParseId(request->id());
      if (!id) return UnknownPeer(request->id());
      if (const PeerRecord* peer = router.directory().FindPeer(*id)) {
        Describe(router, *peer, true, *response);
      } else if (const ClosedPeer* closed = router.directory().Closed(*id)) {
        Describe(*closed, *response);
      } else {
        return UnknownPeer(request->id());
      }
      return grpc::Status::OK;
    });
  }

  ServerUnaryReactor* Disconnect(CallbackServerContext* context,
                                 const v1::DisconnectRequest* request,
                                 v1::DisconnectResponse* response) override;
  ServerUnaryReactor* GetTopic(CallbackServerContext* context, const v1::GetTopicRequest* request,
                               v1::Topic* response) override;

  ServerUnaryReactor* ListEdges(CallbackServerContext* context, const v1::ListEdgesRequest*,
                                v1::ListEdgesResponse* response) override {
    return InRouter(context, Capability::kView, [response](Router& router) {
      DescribeEdges(router, *response);
      return grpc::Status::OK;
    });
  }

  ServerUnaryReactor* DrainEdge(CallbackServerContext* context, const v1::DrainEdgeRequest* request,
                                v1::DrainEdgeResponse* response) override {
    return InRouter(context, Capability::kOperate, [request, response](Router& router) {
      uint64_t peers = 0;
      bool found = false;
      for (const auto& [id, lane] : router.directory().lanes()) {
        if (lane->edge != request->edge()) continue;
        found = true;
        peers += lane->peers.size();
        router.Drain(*lane);
      }
      if (!found)
        return grpc::Status(StatusCode::NOT_FOUND,
                            absl::StrCat("no edge has the name '", request->edge(), "'"));
      response->set_peers(peers);
      return grpc::Status::OK;
    });
  }

  ServerUnaryReactor* SetLogLevel(CallbackServerContext* context,
                                  const v1::SetLogLevelRequest* request,
                                  v1::SetLogLevelResponse* response) override {
    return InRouter(context, Capability::kOperate, [request, response](Router& router) {
      const LogFilter filter = LogFilter::Parse(request->directives());
      if (!filter.rejected().empty()) {
        return grpc::Status(StatusCode::INVALID_ARGUMENT,
                            absl::StrCat("cannot read '", filter.rejected().front(),
                                         "'; give LEVEL or MODULE=LEVEL"));
      }
      response->set_previous(InitLog(filter));
      for (const auto& [id, lane] : router.directory().lanes()) {
        router.SetLogDirectives(*lane, request->directives());
      }
      return grpc::Status::OK;
    });
  }

  grpc::ServerWriteReactor<v1::ListPeersResponse>* ListPeers(
      CallbackServerContext* context, const v1::ListPeersRequest* request) override {
    if (const grpc::Status status = Check(context, Capability::kView); !status.ok()) {
      return new RefusedStream<v1::ListPeersResponse>(status);
    }
    absl::StatusOr<PeerListing> listing = PeerListing::Create(*request);
    if (!listing.ok()) return new RefusedStream<v1::ListPeersResponse>(ToGrpc(listing.status()));
    return new PeerListReactor(core_, *std::move(listing));
  }

  grpc::ServerWriteReactor<v1::ListTopicsResponse>* ListTopics(
      CallbackServerContext* context, const v1::ListTopicsRequest* request) override {
    if (const grpc::Status status = Check(context, Capability::kView); !status.ok()) {
      return new RefusedStream<v1::ListTopicsResponse>(status);
    }
    return new TopicListReactor(core_, TopicListing(*request));
  }

  grpc::ServerWriteReactor<v1::Event>* Watch(CallbackServerContext* context,
                                             const v1::WatchRequest* request) override {
    if (const grpc::Status status = Check(context, Capability::kView); !status.ok()) {
      return new RefusedStream<v1::Event>(status);
    }
    const auto reactor = std::make_shared<WatchReactor>(kMaxQueuedEvents);
    reactor->Begin([this, raw = reactor.get()] { Leave<EventListener>(raw); });
    RouterInput join =
        AdminCall{[reactor, wanted = *request, place = PlaceOf(context)](Router& router) {
          if (!router.feed().AddWatcher(reactor, wanted, place)) reactor->End(TooManyListeners());
        }};
    core_.Enter(join);
    HoldLease(*context, reactor);
    return reactor.get();
  }

  grpc::ServerWriteReactor<v1::TraceRecord>* Trace(CallbackServerContext* context,
                                                   const v1::TraceRequest* request) override {
    grpc::Status status = Check(context, Capability::kView);
    const auto id = ParseId(request->id());
    const bool by_id = request->target_case() == v1::TraceRequest::kId;
    if (status.ok() && by_id && id.value_or(0) == 0) status = UnknownPeer(request->id());
    if (status.ok() && request->target_case() == v1::TraceRequest::TARGET_NOT_SET) {
      status = grpc::Status(StatusCode::INVALID_ARGUMENT, "give an id or a topic to trace");
    }
    if (!status.ok()) return new RefusedStream<v1::TraceRecord>(status);
    const auto reactor = std::make_shared<TraceReactor>(kMaxQueuedEvents);
    reactor->Begin([this, raw = reactor.get()] { Leave<TraceListener>(raw); });
    RouterInput join = AdminCall{[reactor, peer = id.value_or(0), topic = request->topic(),
                                  place = PlaceOf(context)](Router& router) {
      if (!router.feed().AddTracer(reactor, peer, topic, place)) reactor->End(TooManyListeners());
    }};
    core_.Enter(join);
    HoldLease(*context, reactor);
    return reactor.get();
  }

 private:
  static grpc::Status TooManyListeners() {
    return grpc::Status(StatusCode::RESOURCE_EXHAUSTED, "too many watch already; end one of them");
  }

  grpc::Status Check(const CallbackServerContext* context, Capability wanted) const {
    return ToGrpc(authority_.CheckCall(*context, wanted));
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

  LiveFeed::Place PlaceOf(const CallbackServerContext* context) const {
    return Check(context, Capability::kOperate).ok() ? LiveFeed::Place::kOperator
                                                     : LiveFeed::Place::kViewer;
  }

  template <typename Listener>
  void Leave(const Listener* listener) {
    RouterInput leave = AdminCall{[listener](Router& router) { router.feed().Remove(listener); }};
    core_.Enter(leave);
  }

  // Answers with the result of `run`, which is executed in the router.
  ServerUnaryReactor* InRouter(CallbackServerContext* context, Capability wanted,
                               std::function<grpc::Status(Router&)> run) {
    ServerUnaryReactor* reactor = context->DefaultReactor();
    if (const grpc::Status status = Check(context, wanted); !status.ok()) {
      reactor->Finish(status);
      return reactor;
    }
    RouterInput call = AdminCall{
        [reactor, run = std::move(run)](Router& router) { reactor->Finish(run(router)); }};
    core_.Enter(call);
    return reactor;
  }

  // Borrowed; must outlive this.
  Core& core_;
  Authority& authority_;
  const std::string version_;
};

// The filter for the request's target, or why there is none.
grpc::Status ToFilter(const v1::DisconnectRequest& request, v1::PeerFilter& filter) {
  const std::string* text = nullptr;
  switch (request.target_case()) {
    case v1::DisconnectRequest::kTopic:
      filter.set_topic(request.topic());
      text = &request.topic();
      break;
    case v1::DisconnectRequest::kAddressPrefix:
      filter.set_address_prefix(request.address_prefix());
      text = &request.address_prefix();
      break;
    case v1::DisconnectRequest::kEdge:
      filter.set_edge(request.edge());
      text = &request.edge();
      break;
    default:
      break;
  }
  // An empty filter would match every peer, which must be requested explicitly.
  if (!text || text->empty()) {
    return grpc::Status(StatusCode::INVALID_ARGUMENT,
                        "give an id, a topic, an address_prefix or an edge that is not empty");
  }
  return grpc::Status::OK;
}

ServerUnaryReactor* AdminService::Disconnect(CallbackServerContext* context,
                                             const v1::DisconnectRequest* request,
                                             v1::DisconnectResponse* response) {
  const uint32_t code = request->code() == 0 ? kPolicyViolation : request->code();
  const std::string reason = request->reason().empty() ? "operator" : request->reason();
  const bool by_id = request->target_case() == v1::DisconnectRequest::kId;
  v1::PeerFilter filter;
  grpc::Status status = Check(context, Capability::kOperate);
  if (status.ok() && (!IsCloseCode(code) || reason.size() > kMaxReasonBytes)) {
    status = grpc::Status(
        StatusCode::INVALID_ARGUMENT,
        "code must be 1000 to 1014 but 1004 to 1006, or 3000 to 4999; reason at most 123 bytes");
  }
  if (status.ok() && !by_id) status = ToFilter(*request, filter);
  if (status.ok() && by_id) {
    return InRouter(context, Capability::kOperate,
                    [request, response, code, reason](Router& router) {
                      const auto id = ParseId(request->id());
                      const PeerRecord* peer = id ? router.directory().FindPeer(*id) : nullptr;
                      if (!peer) return UnknownPeer(request->id());
                      router.Disconnect(*peer, code, reason);
                      response->set_disconnected(1);
                      return grpc::Status::OK;
                    });
  }
  // Once a call: gRPC aborts the process on a second call, which InRouter() would make.
  ServerUnaryReactor* reactor = context->DefaultReactor();
  if (!status.ok()) {
    reactor->Finish(status);
    return reactor;
  }
  const auto visit = [response, code, reason](Router& router, const PeerRecord& peer) {
    router.Disconnect(peer, code, reason);
    response->set_disconnected(response->disconnected() + 1);
    return true;
  };
  Walk(core_, std::make_shared<PeerWalk>(PeerWalk{
                  PeerScan(filter), visit, [reactor] { reactor->Finish(grpc::Status::OK); }}));
  return reactor;
}

ServerUnaryReactor* AdminService::GetTopic(CallbackServerContext* context,
                                           const v1::GetTopicRequest* request,
                                           v1::Topic* response) {
  ServerUnaryReactor* reactor = context->DefaultReactor();
  if (const grpc::Status status = Check(context, Capability::kView); !status.ok()) {
    reactor->Finish(status);
    return reactor;
  }
  const auto visit = [response](Router&, const PeerRecord& peer) {
    response->add_peers(FormatId(peer.id));
    return response->peers_size() < kMaxTopicPeers;
  };
  const auto finish = [this, request, response, reactor] {
    RouterInput describe = AdminCall{[request, response, reactor](Router& router) {
      const TopicRecord* topic = router.directory().Topic(request->name());
      if (topic) {
        Describe(router, *topic, *response);
      } else {
        response->set_name(request->name());
        DescribeRecords(router, request->name(), *response);
        if (response->records() == 0) return reactor->Finish(UnknownTopic(request->name()));
      }
      reactor->Finish(grpc::Status::OK);
    }};
    core_.Enter(describe);
  };
  Walk(core_,
       std::make_shared<PeerWalk>(PeerWalk{PeerScan::OfTopic(request->name()), visit, finish}));
  return reactor;
}

}  // namespace

std::unique_ptr<grpc::Service> NewAdminService(Core& core, Authority& authority,
                                               std::string version) {
  return std::make_unique<AdminService>(core, authority, std::move(version));
}

}  // namespace cairn::core

#include "core/admin_calls.h"

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>

#include "base/log.h"
#include "base/peer_id.h"
#include "base/resident_memory.h"
#include "core/commands.h"
#include "core/descriptions.h"
#include "core/peer_scan.h"
#include "core/totals.h"

namespace cairn::core {
namespace {

namespace v1 = signaling::v1;

constexpr uint32_t kPolicyViolation = 1008;  // RFC 6455 7.4.1
constexpr size_t kMaxReasonBytes = 123;      // RFC 6455 5.5
constexpr int kMaxTopicPeers = 1000;

absl::Status UnknownPeer(const std::string& id) {
  return absl::NotFoundError(absl::StrCat("no peer has the id '", id, "'"));
}

absl::Status UnknownTopic(const std::string& name) {
  return absl::NotFoundError(
      absl::StrCat("nobody is subscribed to '", name, "' and nothing is published there"));
}

bool IsCloseCode(uint32_t code) {
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) ||
         (code >= 3000 && code <= 4999);
}

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

// The filter for the request's target, or why there is none.
absl::Status ToFilter(const v1::DisconnectRequest& request, v1::PeerFilter& filter) {
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
    return absl::InvalidArgumentError(
        "give an id, a topic, an address_prefix or an edge that is not empty");
  }
  return absl::OkStatus();
}

// Whether the lanes can go to another core, as far as this one knows.
absl::Status CanDrain(const Router& router) {
  for (const auto& [id, lane] : router.directory().lanes()) {
    if (lane->sink)
      return absl::FailedPreconditionError(absl::StrCat(
          "its edge '", lane->edge, "' is in the same process and cannot go: drain that instead"));
  }
  if (router.mesh() && router.mesh()->OthersTakeLanes()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "no other core takes its lanes now: there is none that answers and does not drain");
}

}  // namespace

void AdminCalls::InRouter(std::function<absl::Status(Router&)> run, Done done) {
  RouterInput call = AdminCall{
      [run = std::move(run), done = std::move(done)](Router& router) { done(run(router)); }};
  core_.Enter(call);
}

void AdminCalls::GetStatus(const v1::GetStatusRequest&, v1::GetStatusResponse* response,
                           Done done) {
  InRouter(
      [this, response](Router& router) {
        DescribeStatus(router, *response);
        response->set_version(version_);
        response->set_resident_bytes(ResidentBytes());
        return absl::OkStatus();
      },
      std::move(done));
}

void AdminCalls::GetPeer(const v1::GetPeerRequest& request, v1::Peer* response, Done done) {
  InRouter(
      [&request, response](Router& router) {
        const auto id = ParseId(request.id());
        if (!id) return UnknownPeer(request.id());
        if (const PeerRecord* peer = router.directory().FindPeer(*id)) {
          Describe(router, *peer, true, *response);
        } else if (const ClosedPeer* closed = router.directory().Closed(*id)) {
          Describe(*closed, *response);
        } else {
          return UnknownPeer(request.id());
        }
        return absl::OkStatus();
      },
      std::move(done));
}

void AdminCalls::Disconnect(const v1::DisconnectRequest& request, v1::DisconnectResponse* response,
                            Done done) {
  const uint32_t code = request.code() == 0 ? kPolicyViolation : request.code();
  const std::string reason = request.reason().empty() ? "operator" : request.reason();
  if (!IsCloseCode(code) || reason.size() > kMaxReasonBytes) {
    return done(absl::InvalidArgumentError(
        "code must be 1000 to 1014 but 1004 to 1006, or 3000 to 4999; reason at most 123 bytes"));
  }
  if (request.target_case() == v1::DisconnectRequest::kId) {
    return InRouter(
        [&request, response, code, reason](Router& router) {
          const auto id = ParseId(request.id());
          const PeerRecord* peer = id ? router.directory().FindPeer(*id) : nullptr;
          if (!peer) return UnknownPeer(request.id());
          core::Disconnect(router.output(), *peer, code, reason);
          response->set_disconnected(1);
          return absl::OkStatus();
        },
        std::move(done));
  }
  v1::PeerFilter filter;
  if (const absl::Status status = ToFilter(request, filter); !status.ok()) return done(status);
  const auto visit = [response, code, reason](Router& router, const PeerRecord& peer) {
    core::Disconnect(router.output(), peer, code, reason);
    response->set_disconnected(response->disconnected() + 1);
    return true;
  };
  Walk(core_, std::make_shared<PeerWalk>(PeerWalk{
                  PeerScan(filter), visit, [done = std::move(done)] { done(absl::OkStatus()); }}));
}

void AdminCalls::GetTopic(const v1::GetTopicRequest& request, v1::Topic* response, Done done) {
  const auto visit = [response](Router&, const PeerRecord& peer) {
    response->add_peers(FormatId(peer.id));
    return response->peers_size() < kMaxTopicPeers;
  };
  const auto describe = [&request, response](Router& router) {
    if (const TopicRecord* topic = router.directory().Topic(request.name())) {
      Describe(router, *topic, *response);
      return absl::OkStatus();
    }
    response->set_name(request.name());
    DescribeRecords(router, request.name(), *response);
    return response->records() == 0 ? UnknownTopic(request.name()) : absl::OkStatus();
  };
  Walk(core_, std::make_shared<PeerWalk>(PeerWalk{
                  PeerScan::OfTopic(request.name()), visit,
                  [this, describe, done = std::move(done)] { InRouter(describe, done); }}));
}

void AdminCalls::ListEdges(const v1::ListEdgesRequest&, v1::ListEdgesResponse* response,
                           Done done) {
  InRouter(
      [response](Router& router) {
        DescribeEdges(router, *response);
        return absl::OkStatus();
      },
      std::move(done));
}

void AdminCalls::DrainEdge(const v1::DrainEdgeRequest& request, v1::DrainEdgeResponse* response,
                           Done done) {
  InRouter(
      [&request, response](Router& router) {
        uint64_t peers = 0;
        bool found = false;
        for (const auto& [id, lane] : router.directory().lanes()) {
          if (lane->edge != request.edge()) continue;
          found = true;
          peers += lane->peers.size();
          core::Drain(router.output(), *lane);
        }
        if (!found)
          return absl::NotFoundError(absl::StrCat("no edge has the name '", request.edge(), "'"));
        response->set_peers(peers);
        return absl::OkStatus();
      },
      std::move(done));
}

void AdminCalls::SetLogLevel(const v1::SetLogLevelRequest& request,
                             v1::SetLogLevelResponse* response, Done done) {
  InRouter(
      [&request, response](Router& router) {
        const LogFilter filter = LogFilter::Parse(request.directives());
        if (!filter.rejected().empty()) {
          return absl::InvalidArgumentError(absl::StrCat("cannot read '", filter.rejected().front(),
                                                         "'; give LEVEL or MODULE=LEVEL"));
        }
        if (const auto unknown = UnknownDirectives(filter); !unknown.empty()) {
          return absl::InvalidArgumentError(absl::StrCat(
              "'", unknown.front(),
              "' names no level and no module; levels are off, error, warn, info, debug and trace, "
              "modules cairn_signal and its ::edge, ::core and ::grpc"));
        }
        response->set_previous(InitLog(filter));
        for (const auto& [id, lane] : router.directory().lanes()) {
          SetLogDirectives(router.output(), *lane, request.directives());
        }
        return absl::OkStatus();
      },
      std::move(done));
}

void AdminCalls::DrainCore(const v1::DrainCoreRequest& request, v1::DrainCoreResponse* response,
                           Done done) {
  InRouter(
      [&request, response](Router& router) {
        if (request.undo()) {
          router.lanes().SetDraining(false);
          return absl::OkStatus();
        }
        if (absl::Status status = CanDrain(router); !status.ok()) return status;
        for (const auto& [id, lane] : router.directory().lanes())
          response->set_peers(response->peers() + lane->peers.size());
        response->set_lanes(router.lanes().SetDraining(true));
        return absl::OkStatus();
      },
      std::move(done));
}

absl::StatusOr<uint64_t> AdminCalls::PeerToTrace(const v1::TraceRequest& request) {
  switch (request.target_case()) {
    case v1::TraceRequest::kTopic:
      return 0;
    case v1::TraceRequest::kId:
      if (const auto id = ParseId(request.id()); id.value_or(0) != 0) return *id;
      return UnknownPeer(request.id());
    default:
      return absl::InvalidArgumentError("give an id or a topic to trace");
  }
}

absl::Status AdminCalls::TooManyListeners() {
  return absl::ResourceExhaustedError("too many watch already; end one of them");
}

}  // namespace cairn::core

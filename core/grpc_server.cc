#include "core/grpc_server.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <optional>
#include <utility>

#include "core/admin_service.h"
#include "core/grpc_credentials.h"
#include "core/lane_service.h"
#include "core/lone_poller.h"
#include "proto/link/link.h"

namespace cairn::core {
namespace {

// Edges ping the core so that a dead link is noticed in seconds (edge channel arguments); gRPC's
// own default would take that for abuse.
constexpr int kMinPingIntervalMs = 1000;
// An edge that has vanished without a word takes its peers with it after twice this.
constexpr int kKeepaliveMs = 5000;
// What gRPC adds to a message of a link, and the fields that are not counted in its cost.
constexpr int kMessageSlack = 64 << 10;
constexpr std::chrono::milliseconds kShutdownGrace{100};

}  // namespace

struct GrpcServer::Parts {
  Parts(Core& owner, AuthorityTokens tokens, bool mutual_tls)
      : core(owner), authority(std::move(tokens), mutual_tls) {}

  Core& core;  // borrowed
  Authority authority;
  std::shared_ptr<ReloadableTls> tls;  // null: plaintext
  // gRPC calls it until the server is gone.
  std::shared_ptr<grpc::ServerCredentials> credentials;
  std::unique_ptr<grpc::Service> lanes;
  std::unique_ptr<grpc::Service> admin;
  std::unique_ptr<grpc::Server> server;
  std::optional<LonePoller> poller;
};

GrpcServer::GrpcServer() = default;

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const GrpcOptions& options,
                                                              Core& core) {
  const auto tls =
      options.tls.on()
          ? std::make_shared<ReloadableTls>(std::make_shared<const GrpcTls>(options.tls))
          : nullptr;
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  std::unique_ptr<GrpcServer> result(new GrpcServer());
  result->parts_ = std::make_unique<Parts>(core, options.tokens, options.tls.on());
  result->parts_->tls = tls;
  Parts& parts = *result->parts_;
  parts.lanes = NewLaneService(core, parts.authority);
  parts.admin = NewAdminService(core, parts.authority, options.version);
  grpc::ServerBuilder builder;
  int port = 0;
  parts.credentials = tls ? NewReloadableCredentials(tls) : grpc::InsecureServerCredentials();
  builder.AddListeningPort(options.address, parts.credentials, &port);
  builder.RegisterService(parts.lanes.get());
  builder.RegisterService(parts.admin.get());
  builder.SetMaxReceiveMessageSize(static_cast<int>(link::kMaxMessageBytes) + kMessageSlack);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  parts.server = builder.BuildAndStart();
  if (!parts.server || port == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen for gRPC on ", options.address, ": is it in use?"));
  }
  parts.poller.emplace();
  const bool is_unix = absl::StartsWith(options.address, "unix:");
  result->address_ =
      is_unix ? options.address
              : absl::StrCat(options.address.substr(0, options.address.rfind(':')), ":", port);
  return result;
}

GrpcServer::~GrpcServer() {
  if (!parts_ || !parts_->server) return;
  RouterInput stopping = CoreStopping{};
  parts_->core.Enter(stopping);
  parts_->poller.reset();
  parts_->server->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
}

size_t GrpcServer::SetTls(GrpcTls tls) {
  if (!parts_->tls) return 0;
  const std::string ca = tls.ca;
  parts_->tls->Set(std::make_shared<const GrpcTls>(std::move(tls)));
  return parts_->authority.SetCertificateAuthority(ca);
}

size_t GrpcServer::SetTokens(AuthorityTokens tokens) {
  return parts_->authority.SetTokens(std::move(tokens));
}

}  // namespace cairn::core

#include "core/grpc_server.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/impl/service_type.h>

#include <chrono>

#include "core/lane_service.h"

namespace cairn::core {
namespace {

// Edges ping the core so that a dead link is noticed in seconds (edge channel arguments); gRPC's own default would
// take that for abuse.
constexpr int kMinPingIntervalMs = 1000;
constexpr std::chrono::milliseconds kShutdownGrace{100};

}  // namespace

struct GrpcServer::Parts {
  std::unique_ptr<grpc::Service> lanes;
  std::unique_ptr<grpc::Server> server;
};

GrpcServer::GrpcServer() : parts_(std::make_unique<Parts>()) {}

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const std::string& address, Core& core,
                                                              const CoreLimits& limits) {
  std::unique_ptr<GrpcServer> result(new GrpcServer());
  result->parts_->lanes = NewLaneService(core, limits);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(result->parts_->lanes.get());
  builder.SetMaxReceiveMessageSize(limits.max_lane_message_bytes);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kMinPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  result->parts_->server = builder.BuildAndStart();
  if (!result->parts_->server || port == 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen for gRPC on ", address, ": is it in use?"));
  }
  const bool is_unix = absl::StartsWith(address, "unix:");
  result->address_ = is_unix ? address : absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
  return result;
}

GrpcServer::~GrpcServer() {
  if (parts_->server) parts_->server->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
}

}  // namespace cairn::core

#include "server/core_role.h"

#include <absl/status/statusor.h>

#include <utility>

#include "core/router.h"
#include "server/credentials.h"
#include "server/grpc_setup.h"
#include "server/start_log.h"

namespace cairn::server {

CoreRole::CoreRole(const Options& options, uint64_t core_id, const Clock& clock)
    : core_id_(core_id),
      options_(options),
      clock_(clock),
      core_(core_id, options.core_limits, clock) {}

absl::Status CoreRole::Start() {
  if (!options_.mesh.urls.empty()) {
    if (absl::Status files = CheckMeshFiles(options_); !files.ok()) return files;
    core::NatsOptions mesh_options = options_.mesh;
    mesh_options.core_id = core_id_;
    mesh_ = MeshConnection::Join(mesh_options, options_.core_name, core_, clock_);
  }
  absl::StatusOr<core::GrpcOptions> grpc_options = LoadGrpcOptions(options_);
  if (!grpc_options.ok()) return grpc_options.status();
  if (mesh_) {
    grpc_options->fleet = &mesh_->fleet();
    grpc_options->guest = &mesh_->bus();
  }
  auto server = core::GrpcServer::Start(*grpc_options, core_);
  if (server.ok()) {
    grpc_server_ = *std::move(server);
    return absl::OkStatus();
  }
  // While one `all` process takes over from another, both want the default port; clients do not
  // need it.
  if (options_.role == Role::kCore || options_.grpc_listen_address_given) return server.status();
  grpc_failure_ = std::string(server.status().message());
  return absl::OkStatus();
}

void CoreRole::LogPort() const {
  if (grpc_server_) LogGrpcPort(grpc_server_->address());
  if (!grpc_failure_.empty()) LogGrpcFailure(grpc_failure_);
}

void CoreRole::Tick() {
  core_.Tick();
  if (mesh_) mesh_->fleet().Tick();
}

void CoreRole::IfJoined(std::function<void()> then) {
  core::RouterInput ask = core::AdminCall{[then = std::move(then)](core::Router& router) {
    if (router.mesh()->ready()) then();
  }};
  core_.Enter(ask);
}

void CoreRole::Stop() {
  if (mesh_) mesh_->fleet().Stop();
  grpc_server_.reset();
  mesh_.reset();
}

}  // namespace cairn::server

#include "server/mesh.h"

#include <optional>
#include <utility>

#include "base/log.h"

namespace cairn::server {

absl::StatusOr<std::unique_ptr<Mesh>> Mesh::Join(core::NatsOptions options, std::string name,
                                                 core::Core& core, const Clock& clock) {
  std::unique_ptr<Mesh> mesh(new Mesh(core, clock));
  absl::StatusOr<std::unique_ptr<core::NatsBus>> bus = core::NatsBus::Start(options, *mesh);
  if (!bus.ok()) return bus.status();
  mesh->bus_ = *std::move(bus);
  // Until then, what comes is not for a core that has no mesh.
  core.JoinMesh(*mesh->bus_, name, CAIRN_VERSION, options.fleet);
  return mesh;
}

Mesh::~Mesh() = default;

void Mesh::OnMessage(signaling::v1::MeshMessage message) {
  core::RouterInput input = core::MeshArrived{std::move(message)};
  core_.Enter(input);
}

void Mesh::OnWritable() {
  core::RouterInput input = core::MeshWritable{};
  core_.Enter(input);
}

// The router goes by beats: who is silent is gone.
void Mesh::OnNobody(uint64_t) {}

void Mesh::OnState(bool up, std::string_view reason) {
  up_.store(up, std::memory_order_relaxed);
  if (up) {
    last_reason_.clear();
    return log::Info(log::Core(), "mesh_up", {});
  }
  // Each new reason, and one that stays now and then.
  const bool is_new = last_reason_ != reason;
  const std::optional<uint64_t> left_out = failures_.Admit();
  if (!is_new && !left_out) return;
  last_reason_ = reason;
  log::Warn(log::Core(), "mesh_down",
            {{"reason", log::Text(last_reason_)},
             {"hint", log::Text("clients of other cores are not reached; tried again")}});
}

}  // namespace cairn::server

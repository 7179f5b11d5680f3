#include "server/mesh_connection.h"

#include <optional>
#include <utility>

#include "base/log.h"

namespace cairn::server {
namespace {

constexpr size_t kMaxReasons = 32;

}  // namespace

MeshConnection::MeshConnection(core::Core& core, const Clock& clock)
    : core_(core), failures_(clock), admin_(core, CAIRN_VERSION) {}

std::unique_ptr<MeshConnection> MeshConnection::Join(const core::NatsOptions& options,
                                                     const std::string& name, core::Core& core,
                                                     const Clock& clock) {
  std::unique_ptr<MeshConnection> mesh(new MeshConnection(core, clock));
  mesh->bus_ = core::NatsBus::Start(options, *mesh);
  mesh->fleet_ =
      std::make_unique<core::Fleet>(options.fleet, options.core_id, *mesh->bus_, mesh->admin_,
                                    [raw = mesh.get()] { return raw->up(); });
  mesh->told_ = mesh->fleet_.get();
  // Until then, what comes is not for a core that has no mesh.
  core.JoinMesh(*mesh->bus_, name, CAIRN_VERSION, options.fleet);
  return mesh;
}

// The fleet sends by the bus, and the bus tells the fleet. The router sends by the bus, too, and
// may have much left to handle: calls for the fleet's answers as well.
MeshConnection::~MeshConnection() {
  fleet_->Stop();
  core_.LeaveMesh();
  bus_.reset();
  core_.AwaitHandled();
}

void MeshConnection::OnMessage(signaling::v1::MeshMessage message) {
  if (message.has_fleet()) {
    if (core::Fleet* fleet = told_) fleet->OnMessage(message);
    return;
  }
  core::RouterInput input = core::MeshArrived{std::move(message)};
  core_.Enter(input);
}

void MeshConnection::OnWritable() {
  core::RouterInput input = core::MeshWritable{};
  core_.Enter(input);
}

// Operators need not wait for the beats that do not come.
void MeshConnection::OnNobody(uint64_t core_id) {
  if (core::Fleet* fleet = told_) fleet->OnNobody(core_id);
  core::RouterInput input = core::MeshNobody{core_id};
  core_.Enter(input);
}

void MeshConnection::OnState(bool up, std::string_view reason) {
  up_ = up;
  if (up) connects_.fetch_add(1, std::memory_order_relaxed);
  if (up) {
    reasons_.clear();
    return log::Info(log::Core(), "mesh_up", {});
  }
  // Each new reason, and those that stay now and then: servers that are tried in turn have several.
  const bool is_new = reasons_.size() < kMaxReasons && reasons_.emplace(reason).second;
  const std::optional<uint64_t> left_out = failures_.Admit();
  if (!is_new && !left_out) return;
  log::Warn(log::Core(), "mesh_down",
            {{"reason", log::Text(reason)},
             {"hint", log::Text("clients of other cores are not reached; tried again")}});
}

}  // namespace cairn::server

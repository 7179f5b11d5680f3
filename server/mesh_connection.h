// MeshConnection: this core's place in a fleet: the bus, and the way between it and the router.
//
// Owner:  Server.
// Thread: the owner's; what comes goes to the core on the bus's thread.
// Errors: none. A NATS that is away, or a file for it that cannot be used, is logged, and tried again.
#ifndef CAIRN_SERVER_MESH_CONNECTION_H_
#define CAIRN_SERVER_MESH_CONNECTION_H_

#include <absl/container/flat_hash_set.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log_limiter.h"
#include "core/admin_calls.h"
#include "core/core.h"
#include "core/fleet.h"
#include "core/nats_bus.h"

namespace cairn::server {

class MeshConnection : public core::NatsReceiver {
 public:
  // `core` and `clock` must outlive the mesh.
  static std::unique_ptr<MeshConnection> Join(const core::NatsOptions& options,
                                              const std::string& name, core::Core& core,
                                              const Clock& clock);
  ~MeshConnection() override;

  // Whether NATS can be reached.
  bool up() const { return up_.load(std::memory_order_relaxed); }
  // Connections to NATS that have succeeded, and messages that were not sent.
  uint64_t connects() const { return connects_.load(std::memory_order_relaxed); }
  uint64_t lost() const { return bus_->lost(); }
  core::Fleet& fleet() { return *fleet_; }
  core::PortGuest& bus() { return *bus_; }

 private:
  MeshConnection(core::Core& core, const Clock& clock);

  void OnMessage(signaling::v1::MeshMessage message) override;
  void OnWritable() override;
  void OnNobody(uint64_t core_id) override;
  void OnState(bool up, std::string_view reason) override;

  // Borrowed; must outlive this.
  core::Core& core_;

  // One call of the bus at a time.
  LogLimiter failures_;
  absl::flat_hash_set<std::string> reasons_;  // of this outage: those that were logged

  core::AdminCalls admin_;
  std::unique_ptr<core::Fleet> fleet_;
  std::atomic<core::Fleet*> told_{nullptr};  // fleet_, once it is there
  std::atomic<bool> up_{false};
  std::atomic<uint64_t> connects_{0};
  // Last: it ends before what it calls.
  std::unique_ptr<core::NatsBus> bus_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_MESH_CONNECTION_H_

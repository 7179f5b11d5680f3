// CoreRole: the core of this process, its place in a fleet, and its gRPC port.
//
// Owner:  Server.
// Thread: the owner's.
// Errors: Start() says which option or file cannot be used.
#ifndef CAIRN_SERVER_CORE_ROLE_H_
#define CAIRN_SERVER_CORE_ROLE_H_

#include <absl/status/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "core/core.h"
#include "core/grpc_server.h"
#include "server/mesh_connection.h"
#include "server/options.h"

namespace cairn::server {

class CoreRole {
 public:
  // `options` and `clock` must outlive this.
  CoreRole(const Options& options, uint64_t core_id, const Clock& clock);

  absl::Status Start();
  // Logs the address of the gRPC port, or the reason why it is not served.
  void LogPort() const;
  // Called every core::Router::kTickUs.
  void Tick();
  // REQUIRES: mesh(). Calls `then`, on any thread, if this core has joined its fleet.
  void IfJoined(std::function<void()> then);
  // Leaves the fleet and closes the port. core() stays valid until the destructor.
  void Stop();

  core::Core& core() { return core_; }
  core::GrpcServer* grpc() { return grpc_server_.get(); }  // null: its address was taken
  MeshConnection* mesh() { return mesh_.get(); }           // null: the core has no fleet

 private:
  // Immutable after construction.
  const uint64_t core_id_;
  // Borrowed; must outlive this.
  const Options& options_;
  const Clock& clock_;
  // In the order of their dependencies.
  core::Core core_;
  std::unique_ptr<MeshConnection> mesh_;
  std::unique_ptr<core::GrpcServer> grpc_server_;
  std::string grpc_failure_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_CORE_ROLE_H_

// GrpcRelay: stands between gRPC and the callers of a Unix socket, and passes their bytes on a few
// at a time.
//
// gRPC handles all that it can read before it serves other connections. A TCP connection has a
// small receive buffer for that reason (ReceiveBuffer). A Unix socket has only the sender's buffer,
// which is as large as the sender wants. So gRPC gets one end of a socket pair instead, into whose
// other end this writes 4 KiB at a time, as fast as CallFrames allows.
//
// Owner:  GrpcServer.
// Thread: one of its own; Connect(): any.
// Bounds: of each connection RelayedConnection's; their number is GrpcAcceptor's.
// Errors: a connection for which there are no descriptors is closed.
#ifndef CAIRN_CORE_GRPC_RELAY_H_
#define CAIRN_CORE_GRPC_RELAY_H_

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/task_queue.h"
#include "base/unique_fd.h"
#include "core/relayed_connection.h"

namespace cairn::core {

class GrpcRelay {
 public:
  // `clock` must outlive it.
  explicit GrpcRelay(const Clock& clock);
  // Closes all connections.
  ~GrpcRelay();

  // Takes over a caller's connection, non-blocking, with the bytes read from it. Returns the socket
  // that gRPC is to serve in its place; invalid: none could be made, and it is closed.
  UniqueFd Connect(UniqueFd caller, std::string received, bool encrypted);

 private:
  struct Entry {
    std::unique_ptr<RelayedConnection> connection;
    uint32_t caller_events = 0, grpc_events = 0;  // that are waited for
    absl::Duration wakes = absl::InfiniteDuration();
  };

  void Run();
  void ServeSockets();
  void Serve(uint64_t id);
  void Watch(int fd, uint64_t id, uint32_t& watched, uint32_t wanted) const;

  const Clock& clock_;
  const UniqueFd epoll_;
  TaskQueue tasks_;
  // Its thread only.
  uint64_t next_id_ = 1;
  absl::flat_hash_map<uint64_t, Entry> connections_;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_GRPC_RELAY_H_

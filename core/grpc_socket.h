// GrpcSocket: the listening socket of the core's port, on an IP address or a path.
//
// Owner:  GrpcServer.
// Thread: its owner's.
// Errors: UNAVAILABLE when the address is in use or cannot be listened on; INVALID_ARGUMENT when it
//         is malformed.
#ifndef CAIRN_CORE_GRPC_SOCKET_H_
#define CAIRN_CORE_GRPC_SOCKET_H_

#include <absl/status/statusor.h>
#include <sys/types.h>

#include <string>
#include <utility>

#include "base/unique_fd.h"

namespace cairn::core {

class GrpcSocket {
 public:
  // "IP:port" or "unix:PATH". A path on which a server listens is refused; a stale socket is
  // replaced.
  static absl::StatusOr<GrpcSocket> Open(const std::string& address);
  GrpcSocket(GrpcSocket&& other) noexcept = default;
  GrpcSocket& operator=(GrpcSocket&&) = delete;
  // Removes the path, if it is still this socket's.
  ~GrpcSocket();

  // As given, with the real port where 0 was requested.
  const std::string& address() const { return address_; }
  int fd() const { return fd_.get(); }
  bool is_unix() const { return !path_.empty(); }

 private:
  GrpcSocket(UniqueFd fd, std::string address) : fd_(std::move(fd)), address_(std::move(address)) {}
  static absl::StatusOr<GrpcSocket> OpenPath(const std::string& address, std::string path);

  UniqueFd fd_;
  std::string address_;
  std::string path_;  // empty: TCP
  ino_t inode_ = 0;   // of path_
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_GRPC_SOCKET_H_

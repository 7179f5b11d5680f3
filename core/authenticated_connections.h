// AuthenticatedConnections: the connections with a credential that are open now, counted by
// address; those of a path by user.
//
// gRPC does not report when it closes one. A connection has ended when its descriptor no longer has
// the same inode, so nothing must be kept open to find out.
//
// Owner:  GrpcAcceptor.
// Thread: its owner's.
// Bounds: HasRoom() must be called before Add(). It checks all connections, with one system call
//         each, only when there would be no room.
#ifndef CAIRN_CORE_AUTHENTICATED_CONNECTIONS_H_
#define CAIRN_CORE_AUTHENTICATED_CONNECTIONS_H_

#include <absl/container/flat_hash_map.h>
#include <sys/stat.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace cairn::core {

class AuthenticatedConnections {
 public:
  struct Connection {
    int fd = -1;
    ino_t inode = 0;
    std::string host;
  };

  AuthenticatedConnections(size_t max, size_t max_of_host) : max_(max), max_of_host_(max_of_host) {}

  // REQUIRES: the descriptor is open.
  static Connection Of(int fd, std::string host) { return {fd, InodeOf(fd), std::move(host)}; }

  bool HasRoom(const std::string& host) {
    if (Fits(host)) return true;
    std::erase_if(authenticated_, [this](const Connection& connection) {
      const bool gone = InodeOf(connection.fd) != connection.inode;
      if (gone) --count_[connection.host];
      return gone;
    });
    absl::erase_if(count_, [](const auto& entry) { return entry.second == 0; });
    return Fits(host);
  }
  void Add(Connection connection) {
    ++count_[connection.host];
    authenticated_.push_back(std::move(connection));
  }

 private:
  static ino_t InodeOf(int fd) {
    struct stat found = {};
    return fstat(fd, &found) == 0 ? found.st_ino : 0;
  }
  bool Fits(const std::string& host) const {
    if (authenticated_.size() >= max_) return false;
    const auto count = count_.find(host);
    return count == count_.end() || count->second < max_of_host_;
  }

  const size_t max_, max_of_host_;
  std::vector<Connection> authenticated_;  // may include some that have ended
  absl::flat_hash_map<std::string, size_t> count_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_AUTHENTICATED_CONNECTIONS_H_

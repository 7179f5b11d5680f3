#include "core/grpc_socket.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/address.h"

namespace cairn::core {
namespace {

constexpr int kAcceptQueue = 512;

absl::Status CannotListen(const std::string& address) {
  const int error = errno;
  const char* hint = error == EADDRINUSE
                         ? "; end the process that has it, or give another --grpc-listen-addr"
                         : "; give another --grpc-listen-addr";
  return absl::UnavailableError(
      absl::StrCat("cannot listen for gRPC on ", address, ": ", std::strerror(error), hint));
}

UniqueFd NewSocket(int family) {
  return UniqueFd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

void Set(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

// Whether a server listens on it. A full queue (EAGAIN) also means a server.
bool IsAlive(const sockaddr_un& path) {
  const UniqueFd fd = NewSocket(AF_UNIX);
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&path), sizeof path) == 0 ||
         errno == EAGAIN;
}

enum class Found { kNothing, kSocket, kOther };

Found WhatIsAt(const std::string& path) {
  struct stat found;
  if (lstat(path.c_str(), &found) != 0) return Found::kNothing;
  return S_ISSOCK(found.st_mode) ? Found::kSocket : Found::kOther;
}

// Locked while a path is checked and replaced, so that two cores that start at once do not both
// find it free. No effect where the directory cannot be opened; then bind() fails too.
UniqueFd LockDirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  UniqueFd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.valid()) flock(fd.get(), LOCK_EX);
  return fd;
}

}  // namespace

absl::StatusOr<GrpcSocket> GrpcSocket::Open(const std::string& address) {
  constexpr std::string_view kUnix = "unix:";
  if (address.starts_with(kUnix)) {
    std::string path = address.substr(kUnix.size());
    // gRPC's other form of an absolute path: unix:///PATH.
    if (path.starts_with("///")) path.erase(0, 2);
    return OpenPath(address, std::move(path));
  }
  const absl::StatusOr<SocketAddress> parsed = SocketAddress::Parse(address);
  if (!parsed.ok()) return parsed.status();
  UniqueFd fd = NewSocket(parsed->family());
  Set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  // Also accept IPv4 on [::], whatever net.ipv6.bindv6only says.
  if (parsed->family() == AF_INET6) Set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (bind(fd.get(), parsed->get(), parsed->size()) != 0 || listen(fd.get(), kAcceptQueue) != 0)
    return CannotListen(address);
  const uint16_t port = SocketAddress::OfSocket(fd.get()).port();
  return GrpcSocket(std::move(fd), absl::StrCat(address.substr(0, address.rfind(':')), ":", port));
}

absl::StatusOr<GrpcSocket> GrpcSocket::OpenPath(const std::string& address, std::string path) {
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path) {
    return absl::InvalidArgumentError(absl::StrCat("cannot listen for gRPC on ", address,
                                                   ": a path has 1 to ", sizeof name.sun_path - 1,
                                                   " bytes"));
  }
  path.copy(name.sun_path, path.size());
  UniqueFd fd = NewSocket(AF_UNIX);
  const UniqueFd lock = LockDirectoryOf(path);
  const Found found = WhatIsAt(path);
  if (found == Found::kOther || (found == Found::kSocket && IsAlive(name))) {
    errno = found == Found::kOther ? EEXIST : EADDRINUSE;
    return CannotListen(address);
  }
  if (found == Found::kSocket) unlink(path.c_str());
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
      listen(fd.get(), kAcceptQueue) != 0) {
    return CannotListen(address);
  }
  GrpcSocket result(std::move(fd), address);
  struct stat made;
  if (lstat(path.c_str(), &made) == 0) result.inode_ = made.st_ino;
  result.path_ = std::move(path);
  return result;
}

GrpcSocket::~GrpcSocket() {
  if (path_.empty() || !fd_.valid()) return;
  struct stat found;
  if (lstat(path_.c_str(), &found) == 0 && found.st_ino == inode_) unlink(path_.c_str());
}

}  // namespace cairn::core

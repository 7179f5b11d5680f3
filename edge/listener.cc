#include "edge/listener.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/descriptor_limit.h"
#include "base/log.h"

namespace cairn::edge {
namespace {

constexpr int kAcceptQueue = 4096;  // the kernel caps it at net.core.somaxconn

absl::Status SystemError(const char* what, const SocketAddress& address, const char* hint = "") {
  return absl::UnavailableError(
      absl::StrCat("cannot ", what, " ", address.ToString(), ": ", std::strerror(errno), hint));
}

absl::Status CannotListen(const SocketAddress& address) {
  return SystemError("listen on", address,
                     errno == EADDRINUSE
                         ? "; end the process that has it, or give another --listen-addr"
                         : "; give another --listen-addr");
}

void Set(int fd, int level, int option) {
  const int on = 1;
  setsockopt(fd, level, option, &on, sizeof on);
}

}  // namespace

absl::StatusOr<Listener> Listener::Open(const SocketAddress& address, const Clock& clock) {
  UniqueFd fd(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return CannotListen(address);
  Set(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  Set(fd.get(), SOL_SOCKET, SO_REUSEPORT);
  if (bind(fd.get(), address.get(), address.size()) != 0) return CannotListen(address);
  if (listen(fd.get(), kAcceptQueue) != 0) return CannotListen(address);
  return Listener(std::move(fd), clock, /*shared=*/false);
}

absl::StatusOr<Listener> Listener::Share(const UniqueFd& socket, const Clock& clock) {
  UniqueFd fd(fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
  const int flags = fd.valid() ? fcntl(fd.get(), F_GETFL) : -1;
  if (flags < 0 || fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return SystemError("share the socket of", SocketAddress::OfSocket(socket.get()));
  return Listener(std::move(fd), clock, /*shared=*/true);
}

std::optional<Accepted> Listener::Accept() {
  sockaddr_storage storage = {};
  for (;;) {
    socklen_t size = sizeof storage;
    UniqueFd fd;
    if (near_reserve_ && OnlyReserveIsLeft()) {
      errno = EMFILE;
    } else {
      fd = UniqueFd(accept4(fd_.get(), reinterpret_cast<sockaddr*>(&storage), &size,
                            SOCK_NONBLOCK | SOCK_CLOEXEC));
    }
    if (fd.valid()) {
      near_reserve_ = fd.get() >= DescriptorReserveStart() - 1;
      if (said_) log::Info(log::Edge(), "accept_resumed");
      said_ = false;
      return Accepted{std::move(fd), SocketAddress(storage, size).Unmapped()};
    }
    if (errno == EAGAIN) return std::nullopt;
    // This error ends the connection, not the listener (accept(2), "Error handling").
    if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
    paused_ = true;
    if (said_) return std::nullopt;
    const int error = errno;
    if (const auto suppressed = failures_.Admit()) {
      log::Warn(log::Edge(), "accept_failed",
                {{"error", log::Text(std::strerror(error))},
                 {"suppressed", *suppressed},
                 {"hint",
                  log::Text("open connections are not affected; raise the limit of open files")}});
      said_ = true;
    }
    return std::nullopt;
  }
}

}  // namespace cairn::edge

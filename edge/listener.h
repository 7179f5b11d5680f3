// Listener: a listening TCP socket that keeps working after the process ran out of descriptors.
//
// Owner:  Acceptor.
// Thread: its loop's. SO_REUSEPORT: every loop has one, and so may a second process during an
//         upgrade.
// Bounds: leaves the last descriptors of the process to others (base/descriptor_limit.h).
// Errors: a failing accept pauses it until Retry() succeeds. It is logged once per outage,
//         rate-limited; it never ends the process.
#ifndef CAIRN_EDGE_LISTENER_H_
#define CAIRN_EDGE_LISTENER_H_

#include <absl/status/statusor.h>

#include <optional>

#include "base/address.h"
#include "base/clock.h"
#include "base/log_limiter.h"
#include "base/unique_fd.h"

namespace cairn::edge {

struct Accepted {
  UniqueFd fd;
  SocketAddress peer;
};

class Listener {
 public:
  // Binds and listens, non-blocking. `clock` must outlive it.
  static absl::StatusOr<Listener> Open(const SocketAddress& address, const Clock& clock);
  // Uses a socket that is listening already and that another process, the service manager, keeps
  // open.
  static absl::StatusOr<Listener> Share(const UniqueFd& socket, const Clock& clock);

  // The next connection, non-blocking; nothing when none waits or accepting failed: see paused().
  std::optional<Accepted> Accept();

  // Accepting failed and will fail until a descriptor is closed.
  bool paused() const { return paused_; }
  void Pause() { paused_ = true; }
  // Tries again; true when accepting works.
  void Retry() { paused_ = false; }
  void Close() {
    fd_.Reset();
    paused_ = false;
  }
  bool open() const { return fd_.valid(); }
  // The socket stays open after Close(), with the connections that wait in its queue.
  bool shared() const { return shared_; }

  int fd() const { return fd_.get(); }
  SocketAddress address() const { return SocketAddress::OfSocket(fd_.get()); }

 private:
  Listener(UniqueFd fd, const Clock& clock, bool shared)
      : fd_(std::move(fd)), shared_(shared), failures_(clock) {}

  UniqueFd fd_;
  bool shared_;
  bool paused_ = false;
  bool said_ = false;  // the failure has been logged
  // The last descriptor was as high as clients may use: the next one may be too high.
  bool near_reserve_ = false;
  LogLimiter failures_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LISTENER_H_

// Listener: a listening TCP socket that outlives running out of descriptors.
//
// Thread: its loop's. SO_REUSEPORT: every loop has one, and so may a second process during an
// upgrade. Errors: a failing accept pauses it (said once in the log) until Retry() succeeds; it
// never ends the process.
#ifndef CAIRN_EDGE_LISTENER_H_
#define CAIRN_EDGE_LISTENER_H_

#include <absl/status/statusor.h>

#include <optional>

#include "base/address.h"
#include "base/unique_fd.h"

namespace cairn::edge {

struct Accepted {
  UniqueFd fd;
  SocketAddress peer;
};

class Listener {
 public:
  // Bound and listening, non-blocking. Warns in the log when another socket already serves the
  // port.
  static absl::StatusOr<Listener> Open(const SocketAddress& address);

  // The next connection, non-blocking; nothing when none waits or accepting fails, which paused()
  // tells apart.
  std::optional<Accepted> Accept();

  // Accepting failed and is pointless until something is closed.
  bool paused() const { return paused_; }
  // Tries again; true when accepting works.
  void Retry() { paused_ = false; }
  void Close() {
    fd_.Reset();
    paused_ = false;
  }
  bool open() const { return fd_.valid(); }

  int fd() const { return fd_.get(); }
  SocketAddress address() const { return SocketAddress::OfSocket(fd_.get()); }

 private:
  explicit Listener(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  bool paused_ = false;
  bool said_ = false;  // the failure is in the log
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LISTENER_H_

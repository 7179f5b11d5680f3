// ReceiveBuffer: how much the kernel keeps of what a connection sends and gRPC has not read.
//
// gRPC handles all that it can read before it turns to anybody else, and keeps each call that came
// with it: 27 MB of calls that are cancelled at once took 250 MB, and 2.3 s of others' time.
// Callers other than edges say little, so they get a small buffer: it took 11 MB, and 0.1 s.
//
// Thread: any.
// Errors: none; what the kernel refuses stays as it is.
#ifndef CAIRN_CORE_RECEIVE_BUFFER_H_
#define CAIRN_CORE_RECEIVE_BUFFER_H_

#include <sys/socket.h>

namespace cairn::core {

class ReceiveBuffer {
 public:
  static void Narrow(int fd) { Set(fd, SO_RCVBUF, kNarrow); }

  // As large as the kernel finds right for the way to an edge, as it is for a new connection.
  static void Widen(int fd) {
    Set(fd, SO_RCVBUF, kWide);
    // Since Linux 5.14; without it kWide, or net.core.rmem_max if that is less, is the bound.
    Set(fd, SO_BUF_LOCK, 0);
  }

 private:
  static constexpr int kNarrow = 4 << 10, kWide = 1 << 20;

  static void Set(int fd, int option, int value) {
    static_cast<void>(setsockopt(fd, SOL_SOCKET, option, &value, sizeof value));
  }
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_RECEIVE_BUFFER_H_

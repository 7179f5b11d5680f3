// ReceiveBuffer: how many bytes the kernel keeps that a connection has sent and gRPC has not read.
//
// gRPC handles all that it can read before it serves other connections, and keeps each call in it:
// 27 MB of calls that are cancelled at once took 250 MB, and delayed others by 2.3 s. Its callers
// send little, so they get a small buffer: then it took 11 MB, and 0.1 s. Lanes that a core
// serves itself have a buffer of the usual size.
//
// Thread: any.
// Errors: none; what the kernel refuses stays as it is.
#ifndef CAIRN_CORE_RECEIVE_BUFFER_H_
#define CAIRN_CORE_RECEIVE_BUFFER_H_

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace cairn::core {

class ReceiveBuffer {
 public:
  static void Narrow(int fd) { Set(fd, SOL_SOCKET, SO_RCVBUF, kNarrow); }

  // As large as the kernel finds right for the way to an edge, as it is for a new connection.
  static void Widen(int fd) {
    Set(fd, SOL_SOCKET, SO_RCVBUF, kWide);
    // Since Linux 5.14; without it kWide, or net.core.rmem_max if that is less, is the bound.
    Set(fd, SOL_SOCKET, SO_BUF_LOCK, 0);
    // Since Linux 6.11 what came meanwhile has also bounded the window, by the buffer of then. A
    // lane whose first message filled that one got 8 KiB at a time, 40 KB a second on loopback.
    Set(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, kWide);
  }

 private:
  static constexpr int kNarrow = 4 << 10, kWide = 1 << 20;

  static void Set(int fd, int level, int option, int value) {
    static_cast<void>(setsockopt(fd, level, option, &value, sizeof value));
  }
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_RECEIVE_BUFFER_H_

// Handover: stops serving a port that another process already listens on, without resetting
// connections.
//
// The kernel spreads the connections of a port over all sockets that listen on it. When one of them
// is closed, it resets the connections waiting in its queue, also those with an unfinished TCP
// handshake. So the process that leaves first tells the kernel to give new connections to the other
// process's sockets, continues accepting for kLinger, and only then closes its own.
//
// Source: socket(7), SO_ATTACH_REUSEPORT_CBPF; the kernel appends to a group of sockets on listen()
//         and fills a closed one's place with the last (net/core/sock_reuseport.c, measured on
//         Linux 6.18).
// Bounds: the others' sockets must have been opened later. If the other process opened fewer sockets
//         than this one has, there is a gap of microseconds while the surplus is closed.
// Errors: none; when the kernel refuses, nothing changes, which is the behaviour without this class.
#ifndef CAIRN_EDGE_HANDOVER_H_
#define CAIRN_EDGE_HANDOVER_H_

#include <absl/time/time.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/address.h"

namespace cairn::edge {

class Handover {
 public:
  // Longer than a TCP handshake across an ocean.
  static constexpr absl::Duration kLinger = absl::Milliseconds(300);

  // From the `own` oldest sockets that listen on `address` to the later ones; nothing when there
  // are no later ones.
  static std::optional<Handover> ToLaterSockets(const SocketAddress& address, uint32_t own);

  // The number of sockets of this machine that listen on exactly this address.
  static uint32_t CountListening(const SocketAddress& address);

  // From the `earlier` sockets of the port to the `own` ones that were opened after them, of which
  // `fd` is one. New connections go to those from now on.
  static void TakeOver(int fd, uint32_t earlier, uint32_t own);

  // `fd` is any socket of the port. New connections go to the other process's sockets from now on.
  void Begin(int fd) const;
  // Called before the last accept() of each own socket: the remaining own sockets get no
  // connections while they are closed one by one.
  void BeforeClose(int fd) const;
  // Called between that accept() and close(). Once all own sockets have left, the kernel uses its
  // own rule again.
  void Leave(int fd) const;

 private:
  Handover(uint32_t own, uint32_t others)
      : own_(own), others_(others), left_(std::make_shared<std::atomic<uint32_t>>(own)) {}

  uint32_t own_;
  uint32_t others_;
  std::shared_ptr<std::atomic<uint32_t>> left_;  // own sockets that have not left
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_HANDOVER_H_

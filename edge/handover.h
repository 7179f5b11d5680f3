// Handover: gives up a port that another process already listens on, without resetting anybody.
//
// The kernel spreads the connections of a port over all sockets that listen on it, and resets what
// still waits in the queue of one that is closed, a half-done TCP handshake included. So the
// process that leaves first tells the kernel to spread new connections over the others' sockets,
// goes on accepting for kLinger, and only then closes its own.
//
// Source: socket(7), SO_ATTACH_REUSEPORT_CBPF; the kernel appends to a group of sockets on listen()
// and fills a closed one's place with the last (net/core/sock_reuseport.c, measured on Linux 6.18).
// Limits: the others must have been opened later. Who opens fewer sockets than the one that leaves
// has leaves a gap of microseconds while those are closed. Errors: none; what the kernel refuses
// is left as it was, which is the behaviour without this class.
#ifndef CAIRN_EDGE_HANDOVER_H_
#define CAIRN_EDGE_HANDOVER_H_

#include <absl/time/time.h>

#include <cstdint>
#include <optional>

#include "base/address.h"

namespace cairn::edge {

class Handover {
 public:
  // Longer than a TCP handshake across an ocean.
  static constexpr absl::Duration kLinger = absl::Milliseconds(300);

  // From the `own` oldest of the sockets that listen on `address` to the later ones; nothing when
  // there are none.
  static std::optional<Handover> ToLaterSockets(const SocketAddress& address, uint32_t own);

  // Sockets of this machine that listen on exactly this address.
  static uint32_t CountListening(const SocketAddress& address);

  // From the `earlier` sockets of the port to the `own` that were opened after them, of which `fd`
  // is one: new connections go to those from now on.
  static void TakeOver(int fd, uint32_t earlier, uint32_t own);

  // `fd` is any socket of the port. New connections go to the others' sockets from now on.
  void Begin(int fd) const;
  // Before each close() of an own socket: none that is left gets anything while they are closed one
  // by one, and once the last is gone the kernel spreads by its own rule again.
  void BeforeClose(int fd) const;

 private:
  Handover(uint32_t own, uint32_t others) : own_(own), others_(others) {}

  uint32_t own_;
  uint32_t others_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_HANDOVER_H_

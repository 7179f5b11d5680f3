// NatsBus: the cores' bus on NATS. Two subjects a core, none a topic: sg.FLEET.c.ID is its inbox,
// sg.FLEET.all is everybody's.
//
//   any thread ── Send ──▶ socket ──▶ NATS ──▶ socket ──▶ the thread that serves it ──▶ receiver
//
// The thread that sends writes to the socket itself, which never waits: what the kernel does not
// take is kept, and Writable() is false until it is written. So a message wakes no thread at its
// sender, and one at its receiver: that of the lanes, where there is one (PortGuest), or the bus's
// own. With a host, all of a turn of its thread is written at once. The bus's own also connects,
// and leaves a server that is silent. (nats.c 3.4.1 has a thread that reads and one that delivers,
// and blocks when it sends. Through its event-loop interface it has neither, but with TLS it then
// waits for the rest of a record, without a bound, while it holds its lock.)
//
// A message to one core carries the subject sg.FLEET.n.OWN.ID for NATS' "no responders", which says
// within milliseconds that a core's process is gone.
//
// Owner:  the composition.
// Thread: any; never waits longer than for a read or a write that does not block.
// Bounds: NatsLine::kMaxUnsentBytes; what does not fit is lost. Nothing is kept for a server that is away.
// Errors: none. For a server that cannot be reached or refuses us, or a file that cannot be used,
//         OnState(false) gives the reason, and it is tried again.
#ifndef CAIRN_CORE_NATS_BUS_H_
#define CAIRN_CORE_NATS_BUS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/mesh_bus.h"
#include "core/nats_options.h"
#include "core/nats_receiver.h"
#include "core/port_guest.h"

namespace cairn::core {

class NatsBus final : public MeshBus, public PortGuest {
 public:
  // `receiver` is called from before this returns until the destructor has.
  static std::unique_ptr<NatsBus> Start(const NatsOptions& options, NatsReceiver& receiver);
  ~NatsBus() override;

  // Thread: any.
  bool Writable() override;
  void Send(const signaling::v1::MeshMessage& head, std::string_view items) override;
  void OnHandled(signaling::v1::MeshMessage&& message) override;
  // Messages that were not sent, for want of a connection or of room.
  uint64_t lost() const;

  // ---- PortGuest. The host ends before the bus.
  int ready_fd() const override;
  bool OnReady() override;
  void OnTurnEnds() override;
  void OnHosted(bool hosted) override;

 private:
  struct Parts;
  explicit NatsBus(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_NATS_BUS_H_

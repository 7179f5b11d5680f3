// NatsBus: the cores' bus on NATS. Two subjects a core, none a topic: sg.FLEET.c.ID is its inbox,
// sg.FLEET.all is everybody's.
//
//   any thread ── Send ──▶ socket ──▶ NATS ──▶ socket ──▶ the bus's thread ──▶ receiver
//
// The thread that sends writes to the socket itself, which never waits: what the kernel does not
// take is kept, and Writable() is false until the bus's thread has written it. So a message wakes
// no thread at its sender, and one at its receiver. (nats.c 3.4.1 has a thread that reads and one
// that delivers, and blocks when it sends. Through its event-loop interface it has neither, but
// with TLS it then waits for the rest of a record, without a bound, while it holds its lock.)
//
// A message to one core carries the subject sg.FLEET.n.OWN.ID for NATS' "no responders", which says
// within milliseconds that a core's process is gone.
//
// Owner:  the composition.
// Thread: any; never waits longer than for a read or a write that does not block.
// Bounds: kMaxBusUnsentBytes; what does not fit is lost. Nothing is kept for a server that is away.
// Errors: Start() says what is wrong with files that the options name. A server that cannot be
//         reached or refuses us is no error: OnState(false) gives the reason, and it is tried
//         again.
#ifndef CAIRN_CORE_NATS_BUS_H_
#define CAIRN_CORE_NATS_BUS_H_

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/mesh_bus.h"
#include "core/nats_options.h"

namespace cairn::core {

inline constexpr size_t kMaxBusUnsentBytes = 16 << 20;

// What a bus receives, and what happens to its connection.
//
// Thread: the bus's.
class NatsReceiver {
 public:
  virtual ~NatsReceiver() = default;
  // Parsed, and of the fleet as far as NATS' permissions go.
  virtual void OnMessage(signaling::v1::MeshMessage message) = 0;
  // After a Writable() that was false.
  virtual void OnWritable() = 0;
  // NATS says that a message to that core had nobody to go to: its process is gone, or cut off from
  // NATS.
  virtual void OnNobody(uint64_t core_id) = 0;
  // Whether NATS can be reached, at each change and each attempt that fails; `reason` of a false.
  virtual void OnState(bool up, std::string_view reason) = 0;
};

class NatsBus : public MeshBus {
 public:
  // `receiver` is called from before this returns until the destructor has.
  static absl::StatusOr<std::unique_ptr<NatsBus>> Start(const NatsOptions& options,
                                                        NatsReceiver& receiver);
  ~NatsBus() override;

  // Thread: any.
  bool Writable() override;
  void Send(const signaling::v1::MeshMessage& head, std::string_view items) override;
  void OnHandled(signaling::v1::MeshMessage&& message) override;
  // Messages that were not sent, for want of a connection or of room.
  uint64_t lost() const;

 private:
  struct Parts;
  explicit NatsBus(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_NATS_BUS_H_

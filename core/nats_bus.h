// NatsBus: the cores' bus on NATS. Two subjects a core, none a topic: sg.FLEET.c.ID is its inbox,
// sg.FLEET.all is everybody's.
//
//   any thread ── Send ──▶ queue ──▶ sender thread ── nats.c ──▶ NATS ──▶ nats.c's delivery thread
//   ──▶ receiver
//
// nats.c publishes with a blocking send() under the connection's lock (measured with 3.4.1: for
// ever without a write deadline, up to 505 ms with one of 200 ms while it reconnects to a server
// that hangs), so only the sender thread does. A message to one core carries the subject
// sg.FLEET.n.OWN.ID for NATS' "no responders", which says within milliseconds that a core's process
// is gone.
//
// Owner:  the composition.
// Thread: any; never blocks.
// Bounds: BusQueue's; nothing is kept for a server that is away. nats.c 3.4.1 leaks a message that was half received when a connection
//         ended: kMaxBusMessageBytes a break at most.
// Errors: Start() says what is wrong with the options, and with files that they name. A server that cannot be reached or refuses us
//         is no error: OnState(false) gives the reason, and it is tried again.
#ifndef CAIRN_CORE_NATS_BUS_H_
#define CAIRN_CORE_NATS_BUS_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/mesh_bus.h"

namespace cairn::core {

struct NatsOptions {
  std::vector<std::string> urls;  // nats://HOST:PORT or tls://HOST:PORT, each tried in turn
  std::string fleet;              // a token of a subject: letters, digits, '-', '_'
  uint64_t core_id = 0;           // our own
  // PEM files; empty: none.
  std::string ca_file, cert_file, key_file;
  // A user's seed (core/nkey.h), or a credentials file (JWT and seed); at most one.
  std::string nkey_file, credentials_file;
};

// "nats://a,b:4223,tls://c" as a list of whole URLs: a scheme goes on for those after it, the port
// is 4222 unless given.
absl::StatusOr<std::vector<std::string>> ParseNatsUrls(std::string_view text);

// What a bus receives, and what happens to its connection.
//
// Thread: one of the bus's at a time.
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

// NatsReceiver: what a bus receives, and what happens to its connection.
//
// Thread: one at a time: that which serves the connection, or the bus's own.
#ifndef CAIRN_CORE_NATS_RECEIVER_H_
#define CAIRN_CORE_NATS_RECEIVER_H_

#include <cstdint>
#include <string_view>

#include "signaling/v1/mesh.pb.h"

namespace cairn::core {

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

}  // namespace cairn::core

#endif  // CAIRN_CORE_NATS_RECEIVER_H_

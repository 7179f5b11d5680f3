// MeshBus: carries messages between the cores of a fleet. The interface between the mesh and its
// engine.
//
// The engine may lose messages, repeat them and deliver them in another order: the mesh puts a link
// on top (core/mesh_link.h). It knows no topics: each core has two addresses, its own
// and that of all.
//
// Received messages, and that the bus can take more, are inputs of the router: MeshArrived,
// MeshWritable, MeshNobody.
//
// Owner:  the composition (server/mesh_connection.h).
// Thread: called with the router entered, by whichever thread that is; must not block nor call back
//         into it.
// Bounds: an engine keeps what it has not sent below a bound of its own, by Writable().
#ifndef CAIRN_CORE_MESH_BUS_H_
#define CAIRN_CORE_MESH_BUS_H_

#include <cstddef>
#include <string_view>

#include "signaling/v1/mesh.pb.h"

namespace cairn::core {

// A serialized message is at most this large: a link's message and its envelope.
inline constexpr size_t kMaxBusMessageBytes = 640 << 10;

class MeshBus {
 public:
  virtual ~MeshBus() = default;
  // Whether messages can be sent now; if not, the input MeshWritable follows once they can.
  virtual bool Writable() = 0;
  // To the core that head.to() names, or to all others if that is 0. The message is `head`,
  // followed by `items`: entries of MeshMessage.items that are serialized already. Copies both.
  virtual void Send(const signaling::v1::MeshMessage& head, std::string_view items) = 0;
  // The mesh has handled a received message: its memory can be used for another.
  virtual void OnHandled(signaling::v1::MeshMessage&& /*message*/) {}
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_MESH_BUS_H_

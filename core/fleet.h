// Fleet: the cores of a fleet as operators ask them: any of them passes a call on to any other.
//
// A core merges nothing: cairn-admin asks each, through the one that it reaches, and puts the
// answers together (admin-cli/rpc/fleet_client.h). docs/MESH.md "Operators" says why.
//
// Owner:  the composition, with the bus.
// Thread: any.
#ifndef CAIRN_CORE_FLEET_H_
#define CAIRN_CORE_FLEET_H_

#include <functional>
#include <string>
#include <utility>

#include "core/admin_calls.h"
#include "core/fleet_answers.h"
#include "core/fleet_calls.h"
#include "core/mesh.h"
#include "core/mesh_bus.h"

namespace cairn::core {

class Fleet {
 public:
  // `bus` and `calls` must outlive the object. `is_up`: whether the bus carries messages.
  Fleet(std::string name, uint64_t core_id, MeshBus& bus, AdminCalls& calls,
        std::function<bool()> is_up)
      : name_(std::move(name)),
        is_up_(std::move(is_up)),
        asked_(core_id, bus, calls.core().clock()),
        answers_(core_id, bus, calls) {}

  const std::string& name() const { return name_; }
  FleetCalls& asked() { return asked_; }
  bool up() const { return is_up_(); }

  // What has come by the bus: a message with `fleet`.
  void OnMessage(signaling::v1::MeshMessage& message) {
    if (message.protocol_version() != Mesh::kProtocolVersion) return;
    signaling::v1::FleetFrame& frame = *message.mutable_fleet();
    using Frame = signaling::v1::FleetFrame;
    const bool is_answer = frame.kind() == Frame::KIND_PAGE || frame.kind() == Frame::KIND_END ||
                           frame.kind() == Frame::KIND_ALIVE;
    if (is_answer) return asked_.OnFrame(message.from(), frame);
    answers_.OnFrame(message.from(), frame);
  }
  // That core's process is gone.
  void OnNobody(uint64_t core) { asked_.OnNobody(core); }
  // Ten times a second.
  void Tick() {
    asked_.Tick();
    answers_.Tick();
  }
  // Before callers are waited for: fails what other cores were asked.
  void Stop() {
    asked_.Stop();
    answers_.Stop();
  }

 private:
  const std::string name_;
  const std::function<bool()> is_up_;
  FleetCalls asked_;
  FleetAnswers answers_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_FLEET_H_

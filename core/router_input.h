// RouterInput: one input of the router: a message of a lane or of another core, an operator's call,
// or that time has passed.
//
// Owner:  the caller that enters the combiner; the router may move its contents out.
// Thread: any, until it is entered.
#ifndef CAIRN_CORE_ROUTER_INPUT_H_
#define CAIRN_CORE_ROUTER_INPUT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <variant>

#include "core/edge_sink.h"
#include "signaling/v1/lane.pb.h"
#include "signaling/v1/mesh.pb.h"

namespace cairn::core {

class Router;

// A lane of this process has started. It has no peers yet.
struct DirectOpened {
  std::shared_ptr<EdgeSink> sink;
  signaling::v1::Hello hello;
};
// A lane has sent Hello on a new stream. A lane that is known already continues its link; if its
// last stream still exists, that is closed with ABORTED. The stream's OnHandled() follows, as after
// a batch.
struct LaneOpened {
  std::shared_ptr<LaneStream> stream;
  signaling::v1::Hello hello;
};
// The endpoint's OnHandled() follows, at once or later; until then it passes in no other batch.
struct LaneBatch {
  std::shared_ptr<LaneEndpoint> endpoint;
  signaling::v1::LaneToCore batch;  // its strings may be moved out
};
// Follows a call of LaneStream::Writable() that returned false.
struct LaneWritable {
  std::shared_ptr<LaneEndpoint> endpoint;
};
// The endpoint has ended. If the lane has a link and opens no other stream in time, its peers
// leave. No effect for a stream that was replaced.
struct LaneClosed {
  std::shared_ptr<LaneEndpoint> endpoint;
};
// The core ends: its streams will break one after the other. No lane is given up, so that no relay
// counts as settled because its target has ended; the next core gets it again.
struct CoreStopping {};
// An operator's query or command, executed between two other inputs. Must be short: relays wait
// meanwhile.
struct AdminCall {
  std::function<void(Router&)> run;
};
// Only time has passed; at least every kTickUs.
struct Tick {};
// The router continues with work that it has put off (Router::WantsTurn()).
struct Continue {};
// Another core of the fleet has sent this, or one that is none: nothing of it is trusted but that
// it has passed the bus.
struct MeshArrived {
  signaling::v1::MeshMessage message;  // its strings may be moved out
};
// After a MeshBus::Writable() that was false.
struct MeshWritable {};
// The bus has no subscriber at the address of this core.
struct MeshNobody {
  uint64_t core_id;
};
using RouterInput =
    std::variant<DirectOpened, LaneOpened, LaneBatch, LaneWritable, LaneClosed, CoreStopping,
                 AdminCall, Tick, Continue, MeshArrived, MeshWritable, MeshNobody>;

// Takes the contents of `batch`. Made in place, because constructing and destroying a message costs
// as much as a relay in it.
inline RouterInput BatchOf(std::shared_ptr<LaneEndpoint> endpoint,
                           signaling::v1::LaneToCore& batch) {
  RouterInput input(std::in_place_type<LaneBatch>);
  LaneBatch& made = std::get<LaneBatch>(input);
  made.endpoint = std::move(endpoint);
  made.batch.Swap(&batch);
  return input;
}

}  // namespace cairn::core

#endif  // CAIRN_CORE_ROUTER_INPUT_H_

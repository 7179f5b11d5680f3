// The core's ways to a lane. The seam between edge and core, seen from the core.
//
// A LaneStream may break and lose what was written: the router puts a link on top
// (core/lane_channel.h). An EdgeSink is a lane of the same process, and loses nothing.
//
// Thread: called with the router entered, by whichever thread that is; must not block nor call back into it.
#ifndef CAIRN_CORE_EDGE_SINK_H_
#define CAIRN_CORE_EDGE_SINK_H_

#include <absl/status/status.h>

#include "signaling/v1/lane.pb.h"

namespace cairn::core {

// What the two have in common: inputs name where they come from by it.
class LaneEndpoint {
 public:
  virtual ~LaneEndpoint() = default;
  // A batch of this endpoint, or its Hello, has been handled, and another may be handed in. Gives
  // back `batch` for its memory.
  virtual void OnHandled(signaling::v1::LaneToCore batch) = 0;
};

// server/direct_link.h.
class EdgeSink : public LaneEndpoint {
 public:
  // Takes the contents of `message` and leaves it cleared. Without effect once the lane is gone.
  virtual void Send(signaling::v1::CoreToLane& message) = 0;
  // The lane has so much to take that what can wait should.
  virtual bool IsBehind() { return false; }
};

// core/lane_service.h.
class LaneStream : public LaneEndpoint {
 public:
  // Whether a message can be written now; if not, the input LaneWritable will come, unless the
  // stream breaks first.
  virtual bool Writable() = 0;
  // Copies the message. REQUIRES: Writable() was true and nothing was written since.
  virtual void Write(const signaling::v1::CoreToLane& message) = 0;
  // The router has forgotten the stream, for the reason given. Ends it, even if a write hangs.
  virtual void Close(const absl::Status& status) = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_EDGE_SINK_H_

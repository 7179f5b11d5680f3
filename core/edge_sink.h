// The core's side of a lane's connection. The interface between edge and core, on the core's side.
//
// A LaneStream may break and lose what was written, so the router adds a link
// (core/lane_channel.h). An EdgeSink is a lane of the same process and loses nothing.
//
// Thread: called by the thread that holds the router; must not block nor call back into it.
#ifndef CAIRN_CORE_EDGE_SINK_H_
#define CAIRN_CORE_EDGE_SINK_H_

#include <absl/status/status.h>

#include "signaling/v1/lane.pb.h"

namespace cairn::core {

// The common part: inputs name their source by it.
class LaneEndpoint {
 public:
  virtual ~LaneEndpoint() = default;
  // A batch of this endpoint, or its Hello, has been handled, and another may be passed in.
  // `batch` is empty: its memory can be reused.
  virtual void OnHandled(signaling::v1::LaneToCore&& batch) = 0;
};

// server/direct_link.h.
class EdgeSink : public LaneEndpoint {
 public:
  // Takes the contents of `message` and leaves it cleared. No effect once the lane has ended.
  virtual void Send(signaling::v1::CoreToLane& message) = 0;
  // The lane has so much to take that what can wait should.
  virtual bool IsBehind() { return false; }
};

// core/lane_port.h, and core/lane_service.h over gRPC.
class LaneStream : public LaneEndpoint {
 public:
  // Whether a message can be written now; if not, the input LaneWritable follows, unless the stream
  // breaks first.
  virtual bool Writable() = 0;
  // Copies the message. REQUIRES: Writable() was true and nothing was written since.
  virtual void Write(const signaling::v1::CoreToLane& message) = 0;
  // The router has removed the stream, for the given reason. Ends it, even if a write hangs.
  virtual void Close(const absl::Status& status) = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_EDGE_SINK_H_

// EdgeSink: the core's way to one lane. The seam between edge and core, seen from the core.
//
// There are two: direct calls in one process (server/direct_link.h) and a gRPC stream
// (core/lane_service.h). Thread: called with the router entered, by whichever thread that is; must
// not block nor call back into it.
#ifndef CAIRN_CORE_EDGE_SINK_H_
#define CAIRN_CORE_EDGE_SINK_H_

#include <absl/status/status.h>

#include <deque>

#include "signaling/v1/lane.pb.h"

namespace cairn::core {

class EdgeSink {
 public:
  virtual ~EdgeSink() = default;
  // Takes the contents of `message` and leaves it cleared. Without effect once the lane is gone.
  virtual void Send(signaling::v1::CoreToLane& message) = 0;
  // Whether the lane answers for deliveries with delivered_seq; one that cannot lose them need not.
  virtual bool acknowledges() const = 0;
  // The lane's stream is over: what it was sent and has not answered for, of which it may have got
  // some, and what it had not been sent yet; oldest first.
  virtual std::deque<signaling::v1::CoreToLane> TakeUnanswered() = 0;
  // The router has forgotten the stream, for the reason given.
  virtual void Close(const absl::Status& status) = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_EDGE_SINK_H_

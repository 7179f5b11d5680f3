// LaneCallOptions: what an edge's call of Lanes.Open in lane.proto says of itself, and its bounds.
#ifndef CAIRN_EDGE_LANE_CALL_H_
#define CAIRN_EDGE_LANE_CALL_H_

#include "edge/http2_call.h"
#include "edge/http2_core_stream.h"

namespace cairn::edge {

Http2Call::Options LaneCallOptions(const Http2CoreStreamOpener::Options& options);

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LANE_CALL_H_

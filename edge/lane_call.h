// LaneCallOptions: the metadata and bounds of an edge's call of Lanes.Open (lane.proto).
#ifndef CAIRN_EDGE_LANE_CALL_H_
#define CAIRN_EDGE_LANE_CALL_H_

#include "edge/http2_call.h"
#include "edge/http2_core_stream_opener.h"

namespace cairn::edge {

// `has_others`: the core is asked soon whether it is there (link::kImpatientInterval), and given up
// as late.
Http2Call::Options LaneCallOptions(const Http2CoreStreamOpener::Options& options,
                                   const CoreTarget& target, bool has_others);

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_LANE_CALL_H_

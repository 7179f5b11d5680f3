// Totals: a core, and each of its edges, summed over their lanes, as operators see them.
//
// Thread: the router's (inside an AdminCall).
#ifndef CAIRN_CORE_TOTALS_H_
#define CAIRN_CORE_TOTALS_H_

#include "core/router.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::core {

void DescribeStatus(const Router& router, signaling::v1::GetStatusResponse& out);
void DescribeEdges(const Router& router, signaling::v1::ListEdgesResponse& out);

}  // namespace cairn::core

#endif  // CAIRN_CORE_TOTALS_H_

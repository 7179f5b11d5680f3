// FleetMerge: the answers of several cores as one.
//
// Thread: any; no state.
#ifndef CAIRN_ADMIN_CLI_RPC_FLEET_MERGE_H_
#define CAIRN_ADMIN_CLI_RPC_FLEET_MERGE_H_

#include <string>
#include <vector>

#include "signaling/v1/admin.pb.h"

namespace cairn::admin {

namespace v1 = ::cairn::signaling::v1;

// Sums, but for what is not a sum: topics that several cores have count once, a time is the
// earliest. The first one's id.
v1::GetStatusResponse MergeStatus(const std::vector<v1::GetStatusResponse>& parts);
// By name, in that order: lanes of an edge may be on their way from one core to another.
v1::ListEdgesResponse MergeEdges(const std::vector<v1::ListEdgesResponse>& parts);
// Adds a core's part of the same topic.
void MergeTopic(const v1::Topic& part, v1::Topic& into);
// The one that is connected, or else the one that was closed last. REQUIRES: not empty.
v1::Peer MergePeer(const std::vector<v1::Peer>& parts);

// Whether `a` comes before `b` in a list that was asked for in this way.
bool ComesBefore(const v1::ListPeersRequest& request, const v1::Peer& a, const v1::Peer& b);
bool ComesBefore(const v1::ListTopicsRequest& request, const v1::Topic& a, const v1::Topic& b);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_RPC_FLEET_MERGE_H_

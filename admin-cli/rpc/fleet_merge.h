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

// The parts of several cores as one answer. REQUIRES: not empty.
// Sums, but for what is not a sum: topics that several cores have count once, a time is the
// earliest. The first one's id.
v1::GetStatusResponse Merged(const std::vector<v1::GetStatusResponse>& parts);
// The one that is connected, or else the one that was closed last.
v1::Peer Merged(const std::vector<v1::Peer>& parts);
// Sums.
v1::DisconnectResponse Merged(const std::vector<v1::DisconnectResponse>& parts);
v1::DrainEdgeResponse Merged(const std::vector<v1::DrainEdgeResponse>& parts);
v1::Topic Merged(const std::vector<v1::Topic>& parts);
// By name, in that order: lanes of an edge may be on their way from one core to another.
v1::ListEdgesResponse Merged(const std::vector<v1::ListEdgesResponse>& parts);
// They are the same.
v1::SetLogLevelResponse Merged(const std::vector<v1::SetLogLevelResponse>& parts);

// Adds a core's part of the same topic.
void MergeTopic(const v1::Topic& part, v1::Topic& into);

// Whether `a` comes before `b` in a list that was asked for in this way.
bool ComesBefore(const v1::ListPeersRequest& request, const v1::Peer& a, const v1::Peer& b);
bool ComesBefore(const v1::ListTopicsRequest& request, const v1::Topic& a, const v1::Topic& b);

// The first `limit` of them, 0: all, in the order of the request.
void SortFirst(const v1::ListTopicsRequest& request, std::vector<v1::Topic>& topics);
// Drops what cannot be among those, once that is many.
void Prune(const v1::ListTopicsRequest& request, std::vector<v1::Topic>& topics);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_RPC_FLEET_MERGE_H_

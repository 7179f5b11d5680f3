// Lanes of the directory, and the streams that they have.
#include <utility>

#include "core/directory.h"
#include "core/lane_rules.h"

namespace cairn::core {

LaneRecord* Directory::AddLane(const signaling::v1::Hello& hello, int64_t now_us) {
  auto lane = std::make_unique<LaneRecord>();
  lane->id = hello.lane_id();
  lane->secret = hello.secret();
  lane->edge = hello.edge();
  lane->index = hello.lane_index();
  lane->version = hello.version();
  lane->proven = ProvesLane(hello);
  lane->share = &shares_[lane->edge];
  ++lane->share->lanes;
  lane->tls_not_after_us = hello.tls_not_after_us();
  lane->connected_since_us = now_us;
  LaneRecord* record = lane.get();
  lanes_[record->id] = std::move(lane);
  return record;
}

void Directory::Bind(const LaneEndpoint* endpoint, LaneRecord& lane) {
  endpoints_[endpoint] = &lane;
}
void Directory::Unbind(const LaneEndpoint* endpoint) { endpoints_.erase(endpoint); }

void Directory::RemoveLane(const LaneRecord& lane) {
  const auto share = shares_.find(lane.edge);
  if (--share->second.lanes == 0) shares_.erase(share);
  lanes_.erase(lane.id);
}

size_t Directory::LanesOf(const std::string& edge) const {
  const auto share = shares_.find(edge);
  return share == shares_.end() ? 0 : share->second.lanes;
}

LaneRecord* Directory::FindLane(uint64_t lane_id) {
  const auto it = lanes_.find(lane_id);
  return it == lanes_.end() ? nullptr : it->second.get();
}

LaneRecord* Directory::FindLane(const LaneEndpoint* endpoint) {
  const auto it = endpoints_.find(endpoint);
  return it == endpoints_.end() ? nullptr : it->second;
}

}  // namespace cairn::core

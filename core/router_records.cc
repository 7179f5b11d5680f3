// Router: records that are published, and queries for them.
#include <string>
#include <utility>

#include "core/router.h"

namespace cairn::core {

using signaling::v1::LaneEvent;

void Router::Publish(uint64_t lane_id, LaneRecord* lane, LaneEvent& event) {
  const std::string topic = event.topic();
  // Lanes republish what a core has lost, in any order.
  const auto said = event.seq() == 0 ? RecordStore::Said::kBefore : RecordStore::Said::kNow;
  if (mesh_) mesh_->OnPublished(lane_id, topic, event.record(), said);
  TakeRecord(topic, std::move(*event.mutable_record()), said, lane_id);
  // A record of a snapshot has been relayed before.
  if (event.seq() != 0) Relay(lane_id, lane, event);
}

void Router::TakeRecord(const std::string& topic, signaling::v1::Record record,
                        RecordStore::Said said, uint64_t lane_id) {
  records_.Put(topic, std::move(record), steady_us(), said, lane_id);
  answers_.OnRecord(topic);
  // As far as the turn allows, including this record: a later one of its publisher replaces it.
  answers_.Pay();
}

void Router::Query(PeerRecord& peer, const LaneEvent& event) {
  peer.max_answer_bytes = event.max_answer_bytes();
  records_.Expire(steady_us());
  answers_.Add(peer, event.topic());
}

}  // namespace cairn::core

// Router: records that are published, and who asks for them.
#include <algorithm>
#include <string>
#include <utility>

#include "core/router.h"

namespace cairn::core {

using signaling::v1::LaneEvent;

void Router::Publish(uint64_t lane_id, LaneRecord* lane, LaneEvent& event) {
  const std::string topic = event.topic();
  const uint64_t publisher = event.record().connection();
  // Lanes resend what a core has lost in any order.
  const auto said = event.seq() == 0 ? RecordStore::Said::kBefore : RecordStore::Said::kNow;
  records_.Put(topic, std::move(*event.mutable_record()), steady_us(), said, lane_id);
  for (const uint64_t id : queries_.Take(topic)) {
    PeerRecord* peer = directory_.FindPeer(id);
    if (!peer) continue;
    if (id == publisher || !Answer(*peer, topic)) {
      queries_.Hold(topic, id);
    } else {
      std::erase(peer->queries, topic);
    }
  }
  // A record of a snapshot has been relayed before.
  if (event.seq() != 0) Relay(lane_id, lane, event);
}

void Router::Query(PeerRecord& peer, const std::string& topic) {
  records_.Expire(steady_us());
  if (!Answer(peer, topic) && queries_.Hold(topic, peer.id)) peer.queries.push_back(topic);
}

void Router::EndQuery(PeerRecord& peer, const std::string& topic) {
  queries_.Remove(topic, peer.id);
  std::erase(peer.queries, topic);
}

bool Router::Answer(const PeerRecord& peer, const std::string& topic) {
  signaling::v1::Answer answer;
  records_.Collect(topic, peer.id, answer.mutable_records());
  if (answer.records_size() == 0) return false;
  answer.set_peer(peer.id);
  answer.set_topic(topic);
  For(*peer.lane).add_answers()->Swap(&answer);
  return true;
}

}  // namespace cairn::core

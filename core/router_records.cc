// Router: records that are published, and queries for them.
#include <algorithm>
#include <string>
#include <utility>

#include "core/router.h"
#include "proto/link/cost.h"

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
  for (const uint64_t id : queries_.Take(topic)) {
    PeerRecord* peer = directory_.FindPeer(id);
    if (!peer) continue;
    std::erase(peer->queries, topic);
    OweOrHold(*peer, topic);
  }
  // As far as the turn allows, including this record: a later one of its publisher replaces it.
  PayAnswers();
}

void Router::Query(PeerRecord& peer, const LaneEvent& event) {
  peer.max_answer_bytes = event.max_answer_bytes();
  records_.Expire(steady_us());
  OweOrHold(peer, event.topic());
}

void Router::OweOrHold(PeerRecord& peer, const std::string& topic) {
  if (records_.Has(topic, peer.id)) {
    peer.lane->owed.Add({peer.id, topic});
    if (!std::exchange(peer.lane->owing, true)) owing_.push_back(peer.lane);
    return;
  }
  const bool waits =
      std::find(peer.queries.begin(), peer.queries.end(), topic) != peer.queries.end();
  if (waits || peer.queries.size() >= OwedAnswers::kMaxPerPeer) return;
  if (queries_.Hold(topic, peer.id)) peer.queries.push_back(topic);
}

void Router::EndQuery(PeerRecord& peer, const std::string& topic) {
  queries_.Remove(topic, peer.id);
  std::erase(peer.queries, topic);
  peer.lane->owed.Remove(peer.id, topic);
}

// Lanes are served round-robin, and so are the peers of each.
bool Router::PayAnswers() {
  for (size_t behind = 0; behind < owing_.size() && answer_cost_ < kAnswerCostPerTurn;) {
    LaneRecord* lane = owing_.front();
    owing_.pop_front();
    if (lane->owed.empty()) {
      lane->owing = false;
      continue;
    }
    owing_.push_back(lane);
    if (!CanTakeAnswers(*lane)) {
      ++behind;
      continue;
    }
    behind = 0;
    const OwedAnswers::Query query = lane->owed.Take();
    PeerRecord* peer = directory_.FindPeer(query.peer);
    if (!peer) continue;
    const size_t more = Answer(*peer, query.topic);
    if (more == 0) OweOrHold(*peer, query.topic);
    answer_cost_ += more;
  }
  return answer_cost_ >= kAnswerCostPerTurn;
}

// A lane that is behind continues when it has acknowledged more, at the latest at a tick.
bool Router::CanTakeAnswers(LaneRecord& lane) {
  return lane.sink ? !lane.sink->IsBehind() : lane.channel->cost() < kAnswerWindow;
}

size_t Router::Answer(const PeerRecord& peer, const std::string& topic) {
  signaling::v1::Answer answer;
  const size_t asked = peer.max_answer_bytes;
  answer.set_left_out(
      records_.Collect(topic, peer.id, asked == 0 ? SIZE_MAX : asked, answer.mutable_records()));
  if (answer.records_size() == 0 && answer.left_out() == 0) return 0;
  answer.set_peer(peer.id);
  answer.set_topic(topic);
  const size_t cost = link::CostOf(answer);
  For(*peer.lane).add_answers()->Swap(&answer);
  return cost;
}

}  // namespace cairn::core

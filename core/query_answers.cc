#include "core/query_answers.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "proto/link/cost.h"

namespace cairn::core {

void QueryAnswers::Add(PeerRecord& peer, const std::string& topic) {
  if (records_.Has(topic, peer.id)) {
    peer.lane->owed.Add({peer.id, topic});
    if (!std::exchange(peer.lane->owing, true)) owing_.push_back(peer.lane);
    return;
  }
  const bool waits =
      std::find(peer.queries.begin(), peer.queries.end(), topic) != peer.queries.end();
  if (waits || peer.queries.size() >= OwedAnswers::kMaxPerPeer) return;
  if (held_.Hold(topic, peer.id)) peer.queries.push_back(topic);
}

void QueryAnswers::End(PeerRecord& peer, const std::string& topic) {
  held_.Remove(topic, peer.id);
  std::erase(peer.queries, topic);
  peer.lane->owed.Remove(peer.id, topic);
}

void QueryAnswers::OnRecord(const std::string& topic) {
  for (const uint64_t id : held_.Take(topic)) {
    PeerRecord* peer = directory_.FindPeer(id);
    if (!peer) continue;
    std::erase(peer->queries, topic);
    Add(*peer, topic);
  }
}

bool QueryAnswers::Pay() {
  for (size_t behind = 0; behind < owing_.size() && cost_ < kCostPerTurn;) {
    LaneRecord* lane = owing_.front();
    owing_.pop_front();
    if (lane->owed.empty()) {
      lane->owing = false;
      continue;
    }
    owing_.push_back(lane);
    if (!CanTake(*lane)) {
      ++behind;
      continue;
    }
    behind = 0;
    const OwedAnswers::Query query = lane->owed.Take();
    PeerRecord* peer = directory_.FindPeer(query.peer);
    if (!peer) continue;
    const size_t more = Answer(*peer, query.topic);
    if (more == 0) Add(*peer, query.topic);
    cost_ += more;
  }
  return cost_ >= kCostPerTurn;
}

void QueryAnswers::Forget(PeerRecord& peer) {
  for (const std::string& topic : peer.queries) held_.Remove(topic, peer.id);
  peer.lane->owed.Remove(peer.id);
}

void QueryAnswers::Forget(LaneRecord& lane) {
  if (lane.owing) std::erase(owing_, &lane);
}

// A lane that is behind continues when it has acknowledged more, at the latest at a tick.
bool QueryAnswers::CanTake(LaneRecord& lane) {
  return lane.sink ? !lane.sink->IsBehind() : lane.channel->cost() < kWindow;
}

size_t QueryAnswers::Answer(const PeerRecord& peer, const std::string& topic) {
  signaling::v1::Answer answer;
  const size_t asked = peer.max_answer_bytes;
  answer.set_left_out(
      records_.Collect(topic, peer.id, asked == 0 ? SIZE_MAX : asked, answer.mutable_records()));
  if (answer.records_size() == 0 && answer.left_out() == 0) return 0;
  answer.set_peer(peer.id);
  answer.set_topic(topic);
  const size_t cost = link::CostOf(answer);
  output_.For(*peer.lane).add_answers()->Swap(&answer);
  return cost;
}

}  // namespace cairn::core

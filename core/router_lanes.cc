// Router: streams that open, break and come back.
#include <absl/status/status.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/core_message.h"
#include "core/router.h"

namespace cairn::core {

using signaling::v1::CoreToLane;
using signaling::v1::Delivery;
using signaling::v1::Event;
using signaling::v1::LaneEvent;

void Router::On(LaneOpened& opened) {
  hold_.OnHello(opened.hello, now_us_);
  LaneRecord* lane = directory_.FindLaneById(opened.hello.lane_id());
  const bool is_back = lane != nullptr;
  if (is_back) {
    if (!lane->absence) {
      lane->sink->Close(absl::AbortedError("the lane has opened a newer stream"));
      BeginAbsence(*lane);
    }
    EndAbsence(*lane, opened);
  } else {
    lane = directory_.AddLane(opened.sink, opened.hello, now_us_);
  }
  signaling::v1::Welcome* welcome = OutOf(*lane).mutable_welcome();
  welcome->set_protocol_version(kProtocolVersion);
  welcome->set_core_id(core_id_);
  SendRoster();
  if (!is_back && IsOnlyLane(*lane) && NewEvent(Event::KIND_EDGE_UP, *lane, nullptr)) {
    feed_.Publish(event_);
  }
}

void Router::On(LaneBatch& input) {
  LaneRecord* lane = directory_.FindLane(input.sink.get());
  if (!lane) {
    counters_.events_ignored += static_cast<uint64_t>(input.batch.events_size());
    return;
  }
  if (input.batch.delivered_seq() != 0) {
    lane->ledger.Acknowledged(input.batch.delivered_seq(),
                              [this](const auto& owed) { Settle(owed); });
  }
  if (input.batch.has_stats()) lane->stats.Swap(input.batch.mutable_stats());
  for (LaneEvent& event : *input.batch.mutable_events()) OnEvent(*lane, event);
}

void Router::On(LaneClosed& closed) {
  if (stopping_) return;
  LaneRecord* lane = directory_.FindLane(closed.sink.get());
  if (!lane) return;
  const bool is_missed =
      closed.sink->acknowledges() && (!lane->peers.empty() || lane->ledger.owes());
  is_missed ? BeginAbsence(*lane) : CloseLane(*lane);
}

void Router::CloseLane(LaneRecord& lane) {
  // A copy, because each call takes one out of the set.
  const std::vector<PeerRecord*> peers(lane.peers.begin(), lane.peers.end());
  for (PeerRecord* peer : peers) ClosePeer(*peer, 0, "edge_lost");
  if (IsOnlyLane(lane) && NewEvent(Event::KIND_EDGE_DOWN, lane, nullptr)) feed_.Publish(event_);
  // Nobody is left there for whom these were.
  lane.ledger.Acknowledged(~uint64_t{0}, [this](const auto& owed) { Settle(owed); });
  hold_.Forget(lane.id);
  if (lane.dirty) std::erase(dirty_, &lane);
  directory_.RemoveLane(lane);
  SendRoster();
}

// ---- lanes without a stream

void Router::BeginAbsence(LaneRecord& lane) {
  ++absent_;
  lane.absence = std::make_unique<LaneAbsence>(now_us_);
  for (CoreToLane& message : lane.sink->TakeUnanswered()) lane.absence->Keep(message);
  // What it relayed and is not settled it will say again.
  hold_.Forget(lane.id);
  lane.ledger.Restart();
  lane.told_settled = 0;
}

void Router::EndAbsence(LaneRecord& lane, LaneOpened& opened) {
  --absent_;
  const std::unique_ptr<LaneAbsence> absence = std::move(lane.absence);
  directory_.Reconnect(lane, opened.sink, opened.hello, now_us_);
  lane.in_snapshot = lane.is_back = true;
  for (PeerRecord* peer : lane.peers) {
    peer->unconfirmed = std::make_unique<Unconfirmed>(Unconfirmed{true, peer->topics});
    for (const std::string& topic : peer->queries) queries_.Remove(topic, peer->id);
    peer->queries.clear();
  }
  // Deliveries get the numbers of the new stream. What the lane had answered for while its message
  // was kept is not sent again; what it got without answering it drops by itself.
  CoreToLane& out = OutOf(lane);
  std::deque<RelayLedger::Owed> owed = lane.ledger.TakeOwed();
  lane.next_delivery_seq = 1;
  for (Delivery& delivery : *absence->kept().mutable_deliveries()) {
    while (!owed.empty() && owed.front().delivery_seq < delivery.seq()) {
      Settle(owed.front());
      owed.pop_front();
    }
    if (owed.empty() || owed.front().delivery_seq != delivery.seq()) continue;
    delivery.set_seq(lane.next_delivery_seq++);
    owed.front().delivery_seq = delivery.seq();
    lane.ledger.Sent(owed.front());
    owed.pop_front();
    out.add_deliveries()->Swap(&delivery);
  }
  for (const RelayLedger::Owed& rest : owed) Settle(rest);
  absence->kept().clear_deliveries();
  AppendCoreMessage(absence->kept(), out);
}

void Router::EndOldAbsences() {
  std::vector<LaneRecord*> over;
  for (const auto& [sink, lane] : directory_.lanes()) {
    if (lane->absence && lane->absence->over(now_us_)) over.push_back(lane.get());
  }
  for (LaneRecord* lane : over) {
    --absent_;
    CloseLane(*lane);
  }
}

void Router::DropUnconfirmed(LaneRecord& lane) {
  std::vector<PeerRecord*> gone;
  for (PeerRecord* peer : lane.peers) {
    const std::unique_ptr<Unconfirmed> unconfirmed = std::move(peer->unconfirmed);
    if (!unconfirmed) continue;
    if (unconfirmed->peer) {
      gone.push_back(peer);
      continue;
    }
    for (const TopicRecord* topic : unconfirmed->topics)
      Unsubscribe(*peer, std::string(topic->name));
  }
  for (PeerRecord* peer : gone) ClosePeer(*peer, 0, "edge_lost");
}

// An edge comes with the first of its lanes and goes with the last.
bool Router::IsOnlyLane(const LaneRecord& lane) const {
  return std::none_of(directory_.lanes().begin(), directory_.lanes().end(),
                      [&lane](const auto& entry) {
                        return entry.second.get() != &lane && entry.second->edge == lane.edge;
                      });
}

void Router::SendRoster() {
  for (const auto& [sink, lane] : directory_.lanes()) {
    auto* roster = OutOf(*lane).mutable_roster();
    roster->Clear();
    for (const auto& [other_sink, other] : directory_.lanes()) roster->Add(other->id);
  }
}

}  // namespace cairn::core

#include "core/router.h"

#include <absl/status/status.h>

#include <algorithm>
#include <utility>

#include "base/peer_id.h"
#include "core/core_message.h"

namespace cairn::core {

using signaling::v1::Command;
using signaling::v1::CoreToLane;
using signaling::v1::Delivery;
using signaling::v1::Event;
using signaling::v1::LaneEvent;
using signaling::v1::Notice;

Router::Router(uint64_t core_id, const Clock& clock)
    : core_id_(core_id),
      clock_(clock),
      started_us_(absl::ToUnixMicros(clock.WallTime())),
      now_us_(started_us_) {}

void Router::Handle(RouterInput& input) {
  now_us_ = absl::ToUnixMicros(clock_.WallTime());
  std::visit([this](auto& one) { On(one); }, input);
  if (absent_ > 0 && !stopping_) EndOldAbsences();
  if (!hold_.empty() && !hold_.holding(now_us_)) ReleaseHeld();
  SendGathered();
}

// ---- lanes

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

void Router::On(CoreStopping&) { stopping_ = true; }

void Router::On(AdminCall& call) { call.run(*this); }

void Router::On(Tick&) { records_.Expire(now_us_); }

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

// ---- events of a lane

void Router::OnEvent(LaneRecord& lane, LaneEvent& event) {
  if (event.seq() != 0 && hold_.holding(now_us_)) return hold_.Add(lane.id, event);
  switch (event.kind()) {
    case LaneEvent::KIND_RELAYED:
      return Relay(lane, event);
    case LaneEvent::KIND_PEER_OPENED:
      return OpenPeer(lane, event);
    case LaneEvent::KIND_PUBLISHED:
      return Publish(lane, event);
    case LaneEvent::KIND_SNAPSHOT_END:
      DropUnconfirmed(lane);
      lane.in_snapshot = lane.is_back = false;
      hold_.OnSnapshotEnd(lane.id);
      return;
    default:
      return OnPeerEvent(lane, event);
  }
}

void Router::OnPeerEvent(LaneRecord& lane, LaneEvent& event) {
  PeerRecord* peer = directory_.FindPeer(event.peer());
  if (!peer || peer->lane != &lane) {
    ++counters_.events_ignored;
    return;
  }
  switch (event.kind()) {
    case LaneEvent::KIND_SUBSCRIBED:
      return Subscribe(*peer, event);
    case LaneEvent::KIND_UNSUBSCRIBED:
      return Unsubscribe(*peer, event.topic());
    case LaneEvent::KIND_PEER_STATS:
      peer->stats.Swap(event.mutable_stats());
      peer->stats_at_us = now_us_;
      return;
    case LaneEvent::KIND_QUERIED:
      return Query(*peer, event.topic());
    case LaneEvent::KIND_QUERY_ENDED:
      return EndQuery(*peer, event.topic());
    case LaneEvent::KIND_PEER_CLOSED:
      if (event.has_stats()) peer->stats.Swap(event.mutable_stats());
      return ClosePeer(*peer, event.close_code(), event.close_reason());
    default:
      ++counters_.events_ignored;
  }
}

void Router::Subscribe(PeerRecord& peer, const LaneEvent& event) {
  const bool added = directory_.Subscribe(peer, event.topic(), now_us_);
  TopicRecord* topic = directory_.FindTopic(event.topic());
  if (peer.unconfirmed) peer.unconfirmed->topics.erase(topic);
  if (event.wants_answer()) {
    uint64_t subscribers = 0;
    for (const Interest& interest : topic->interests) subscribers += interest.subscribers;
    Notice* notice = OutOf(*peer.lane).add_notices();
    notice->set_kind(Notice::KIND_SUBSCRIBED);
    notice->set_peer(peer.id);
    notice->set_topic(event.topic());
    notice->set_count(subscribers - 1);
  }
  if (!added) return;
  // A core that has just started learns of the living; to them nobody is new.
  if (!peer.lane->in_snapshot || peer.lane->is_back || peer.returned)
    Announce(Notice::KIND_JOINED, peer, *topic);
  if (NewEvent(Event::KIND_SUBSCRIBED, *peer.lane, &peer)) {
    event_.set_topic(event.topic());
    feed_.Publish(event_);
  }
}

void Router::Unsubscribe(PeerRecord& peer, const std::string& name) {
  if (const TopicRecord* topic = directory_.FindTopic(name); topic && peer.topics.contains(topic)) {
    Announce(Notice::KIND_LEFT, peer, *topic);
  }
  if (!directory_.Unsubscribe(peer, name)) {
    ++counters_.events_ignored;
  } else if (NewEvent(Event::KIND_UNSUBSCRIBED, *peer.lane, &peer)) {
    event_.set_topic(name);
    feed_.Publish(event_);
  }
}

void Router::Announce(Notice::Kind kind, const PeerRecord& peer, const TopicRecord& topic) {
  for (const Interest& interest : topic.interests) {
    const uint32_t itself = interest.lane == peer.lane && peer.info.wants_presence() ? 1 : 0;
    if (interest.watchers <= itself) continue;
    Notice* notice = OutOf(*interest.lane).add_notices();
    notice->set_kind(kind);
    notice->set_peer(peer.id);
    notice->set_topic(topic.name);
  }
}

void Router::OpenPeer(LaneRecord& lane, LaneEvent& event) {
  if (PeerRecord* known = directory_.FindPeer(event.peer()); known && known->unconfirmed) {
    if (known->lane == &lane) {
      known->unconfirmed->peer = false;
      return;
    }
  }
  const PeerRecord* peer = directory_.AddPeer(lane, event.peer(), std::move(*event.mutable_info()));
  if (!peer) {
    ++counters_.events_ignored;
  } else if (NewEvent(Event::KIND_CONNECTED, lane, peer)) {
    feed_.Publish(event_);
  }
}

void Router::ClosePeer(PeerRecord& peer, uint32_t code, std::string_view reason) {
  if (NewEvent(Event::KIND_CLOSED, *peer.lane, &peer)) {
    event_.set_close_code(code);
    event_.set_close_reason(std::string(reason));
    feed_.Publish(event_);
  }
  for (const TopicRecord* topic : peer.topics) Announce(Notice::KIND_LEFT, peer, *topic);
  for (const std::string& topic : peer.queries) queries_.Remove(topic, peer.id);
  directory_.RemovePeer(peer, now_us_, code, reason);
}

void Router::Relay(LaneRecord& origin, LaneEvent& event) {
  ++counters_.relays;
  rate_.Add(now_us_);
  const uint64_t seq = event.seq();
  TopicRecord* topic = directory_.FindTopic(event.topic());
  if (feed_.traced() && feed_.Wants(event.peer(), event.topic())) Trace(origin, event, topic);
  uint64_t reached = 0;
  targets_ = 0;
  if (topic) {
    ++topic->relays;
    topic->bytes += event.payload().size();
    topic->last_relay_us = now_us_;
    topic->rate.Add(now_us_);
    reached =
        event.to() == 0 ? Deliver(origin, event, *topic) : DeliverToOne(origin, event, *topic);
  }
  if (reached == 0) ++counters_.relays_unheard;
  counters_.fan_out.Add(static_cast<int64_t>(reached));
  if (origin.sink->acknowledges()) {
    origin.ledger.Routed(seq, targets_);
    Acknowledge(origin);
  }
  if (event.wants_receipt()) AnswerRelay(origin, event, reached);
}

uint64_t Router::Deliver(LaneRecord& origin, LaneEvent& event, TopicRecord& topic) {
  Delivery* first = nullptr;
  uint64_t reached = 0;
  for (const Interest& interest : topic.interests) {
    const uint32_t sender = interest.lane == &origin && event.sender_subscribed() ? 1 : 0;
    if (interest.subscribers == sender) continue;  // the only one there is the sender
    reached += interest.subscribers - sender;
    Delivery* delivery = AddDelivery(*interest.lane, origin, event);
    if (first) {
      delivery->set_topic(first->topic());
      delivery->set_payload(first->payload());
    } else {
      // The first lane gets the strings themselves: with one interested lane nothing is copied.
      delivery->mutable_topic()->swap(*event.mutable_topic());
      delivery->mutable_payload()->swap(*event.mutable_payload());
      first = delivery;
    }
  }
  return reached;
}

// Only who is subscribed: knowing a topic is what lets peers talk to each other.
const PeerRecord* Router::AddresseeOf(const LaneEvent& event, const TopicRecord& topic) const {
  const PeerRecord* peer = directory_.Peer(event.to());
  return peer && peer->id != event.peer() && peer->topics.contains(&topic) ? peer : nullptr;
}

uint64_t Router::DeliverToOne(LaneRecord& origin, LaneEvent& event, const TopicRecord& topic) {
  const PeerRecord* target = AddresseeOf(event, topic);
  if (!target) return 0;
  Delivery* delivery = AddDelivery(*target->lane, origin, event);
  delivery->set_to(event.to());
  delivery->mutable_topic()->swap(*event.mutable_topic());
  delivery->mutable_payload()->swap(*event.mutable_payload());
  return 1;
}

Delivery* Router::AddDelivery(LaneRecord& lane, const LaneRecord& origin, const LaneEvent& event) {
  Delivery* delivery = OutOf(lane).add_deliveries();
  delivery->set_origin_lane(origin.id);
  delivery->set_origin_seq(event.seq());
  delivery->set_from(event.peer());
  delivery->set_seq(lane.next_delivery_seq++);
  if (lane.sink->acknowledges()) {
    lane.ledger.Sent({delivery->seq(), origin.id, event.seq(), origin.epoch});
    ++targets_;
  }
  delivery->set_read_us(event.read_us());
  ++counters_.deliveries;
  return delivery;
}

void Router::Settle(const RelayLedger::Owed& owed) {
  LaneRecord* origin = directory_.FindLaneById(owed.origin_lane);
  if (!origin || origin->epoch != owed.origin_epoch) return;
  origin->ledger.Settle(owed.origin_seq);
  Acknowledge(*origin);
}

void Router::Acknowledge(LaneRecord& origin) {
  if (origin.ledger.settled() != 0) OutOf(origin).set_acked_seq(origin.ledger.settled());
}

void Router::ReleaseHeld() {
  for (ReturnHold::Held& held : hold_.Release()) {
    if (LaneRecord* lane = directory_.FindLaneById(held.lane_id)) OnEvent(*lane, held.event);
  }
}

void Router::AnswerRelay(LaneRecord& origin, const LaneEvent& event, uint64_t reached) {
  Notice* notice = OutOf(origin).add_notices();
  notice->set_kind(Notice::KIND_RECEIPT);
  notice->set_peer(event.peer());
  notice->set_receipt_id(event.receipt_id());
  notice->set_count(reached);
}

// ---- records

void Router::Publish(LaneRecord& lane, LaneEvent& event) {
  const std::string topic = event.topic();
  const uint64_t publisher = event.record().connection();
  // Lanes say again what a core has lost in any order.
  const auto said = event.seq() == 0 ? RecordStore::Said::kBefore : RecordStore::Said::kNow;
  records_.Put(topic, std::move(*event.mutable_record()), now_us_, said);
  for (const uint64_t id : queries_.Take(topic)) {
    PeerRecord* peer = directory_.FindPeer(id);
    if (!peer) continue;
    if (id == publisher || !Answer(*peer, topic)) {
      queries_.Hold(topic, id);
    } else {
      std::erase(peer->queries, topic);
    }
  }
  // What a snapshot says again has been relayed before.
  if (event.seq() != 0) Relay(lane, event);
}

void Router::Query(PeerRecord& peer, const std::string& topic) {
  records_.Expire(now_us_);
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
  OutOf(*peer.lane).add_answers()->Swap(&answer);
  return true;
}

void Router::Trace(const LaneRecord& origin, const LaneEvent& event, const TopicRecord* topic) {
  signaling::v1::TraceRecord record;
  record.set_time_us(now_us_);
  record.set_id(FormatId(event.peer()));
  record.set_edge(origin.edge);
  record.set_topic(event.topic());
  record.set_seq(event.seq());
  record.set_payload_bytes(event.payload().size());
  record.set_latency_us(event.read_us() == 0 ? 0 : now_us_ - event.read_us());
  uint64_t subscribers = 0;
  uint32_t lanes = 0;
  if (topic && event.to() != 0) {
    subscribers = lanes = AddresseeOf(event, *topic) ? 1 : 0;
  } else if (topic) {
    for (const Interest& interest : topic->interests) {
      const bool has_sender = interest.lane == &origin && event.sender_subscribed();
      subscribers += interest.subscribers - (has_sender ? 1 : 0);
      lanes += has_sender && interest.subscribers == 1 ? 0 : 1;
    }
  }
  record.set_subscribers(subscribers);
  record.set_lanes(lanes);
  feed_.Publish(event.peer(), record);
}

// ---- orders

void Router::Disconnect(const PeerRecord& peer, uint32_t code, std::string_view reason) {
  Command* command = OutOf(*peer.lane).add_commands();
  command->set_kind(Command::KIND_DISCONNECT);
  command->set_peer(peer.id);
  command->set_close_code(code);
  command->set_close_reason(std::string(reason));
}

void Router::Drain(LaneRecord& lane) { OutOf(lane).add_commands()->set_kind(Command::KIND_DRAIN); }

void Router::SetLogDirectives(LaneRecord& lane, std::string_view directives) {
  Command* command = OutOf(lane).add_commands();
  command->set_kind(Command::KIND_LOG_LEVEL);
  command->set_log_directives(std::string(directives));
}

// ---- output

Event* Router::NewEvent(Event::Kind kind, const LaneRecord& lane, const PeerRecord* peer) {
  if (!feed_.watched()) return nullptr;
  event_.Clear();
  event_.set_kind(kind);
  event_.set_time_us(now_us_);
  event_.set_edge(lane.edge);
  if (peer) {
    event_.set_id(FormatId(peer->id));
    event_.set_remote_address(peer->info.remote_address());
  }
  return &event_;
}

CoreToLane& Router::OutOf(LaneRecord& lane) {
  if (!lane.dirty) {
    lane.dirty = true;
    dirty_.push_back(&lane);
  }
  return lane.out;
}

void Router::SendGathered() {
  for (LaneRecord* lane : dirty_) {
    lane->dirty = false;
    lane->absence ? lane->absence->Keep(lane->out) : lane->sink->Send(lane->out);
  }
  dirty_.clear();
}

}  // namespace cairn::core

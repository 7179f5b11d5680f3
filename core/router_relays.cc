// Router: what a relay goes through: who gets it, who owes an answer for it, when it is settled.
#include <utility>

#include "base/peer_id.h"
#include "core/router.h"

namespace cairn::core {

using signaling::v1::Delivery;
using signaling::v1::LaneEvent;
using signaling::v1::Notice;

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
  if (origin.ledger.settled() - origin.told_settled >= kRelaysPerAck) OutOf(origin);
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

}  // namespace cairn::core

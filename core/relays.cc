#include "core/relays.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/peer_id.h"
#include "base/prefetch.h"
#include "core/fan_out.h"

namespace cairn::core {

using signaling::v1::CoreToLane;
using signaling::v1::Delivery;
using signaling::v1::LaneEvent;
using signaling::v1::Notice;

namespace {

// Tells the origin what is settled, if it is much.
void TellSettled(LaneOutput& output, LaneRecord& origin) {
  if (origin.ledger.untold() >= Relays::kRelaysPerAck) output.Mark(origin);
}

void AnswerRelay(LaneOutput& output, LaneRecord& origin, const LaneEvent& event, uint64_t reached) {
  Notice* notice = output.For(origin).add_notices();
  notice->set_kind(Notice::KIND_RECEIPT);
  notice->set_peer(event.peer());
  notice->set_receipt_id(event.receipt_id());
  notice->set_seq(event.seq());
  notice->set_count(reached);
}

}  // namespace

void Relays::Route(uint64_t lane_id, LaneRecord* origin, LaneEvent& event) {
  ++counters_.relays;
  rate_.Add(turn_.steady_us);
  const uint64_t seq = event.seq();
  const size_t bytes = event.topic().size() + event.payload().size();
  TopicRecord* topic = directory_.FindTopic(event.topic());
  uint64_t reached = 0;
  uint32_t cores = 0;
  targets_ = 0;
  origin_link_ = origin && origin->channel ? origin->channel->number() : 0;
  if (late_.keeping()) {
    late_.Keep(lane_id, origin_link_, event);
    ++targets_;
  }
  if (mesh_) {
    const Mesh::Reach reach = mesh_->Route(lane_id, origin_link_, event);
    cores = reach.targets;
    targets_ += cores;
    reached = reach.subscribers;
  }
  if (feed_.traced() && feed_.Wants(event.peer(), event.topic()))
    Trace(lane_id, origin, event, topic, reached, cores);
  if (topic) {
    ++topic->relays;
    topic->bytes += event.payload().size();
    topic->last_relay_us = turn_.now_us;
    topic->rate.Add(turn_.steady_us);
    reached +=
        event.to() == 0 ? Deliver(lane_id, event, *topic) : DeliverToOne(lane_id, event, *topic);
  }
  if (reached == 0) ++counters_.relays_unheard;
  counters_.fan_out.Add(static_cast<int64_t>(reached));
  if (!origin) return;
  if (reached > 1) {
    if (PeerRecord* sender = directory_.FindPeer(event.peer()))
      CountFanOut(output_, *sender, reached, bytes);
  }
  if (origin->channel) {
    origin->ledger.Routed(seq, targets_);
    TellSettled(output_, *origin);
  }
  if (event.wants_receipt()) AnswerRelay(output_, *origin, event, reached);
}

inline uint32_t Relays::SenderIn(const Interest& interest, uint64_t lane_id, uint64_t sender,
                                 const TopicRecord& topic) const {
  if (interest.lane->id != lane_id) return 0;
  if (interest.subscribers == 1) return interest.ids_xor == sender ? 1 : 0;
  return directory_.IsSubscribed(*interest.lane, sender, topic) ? 1 : 0;
}

// This and what it calls for every relay are inlined: the calls alone would be a tenth of what a
// relay costs here.
[[gnu::always_inline]] inline uint64_t Relays::Deliver(uint64_t lane_id, LaneEvent& event,
                                                       TopicRecord& topic) {
  Delivery* first = nullptr;
  uint64_t reached = 0;
  for (const Interest& interest : topic.interests) {
    const uint32_t sender = SenderIn(interest, lane_id, event.peer(), topic);
    if (interest.subscribers == sender) continue;  // the sender is the only subscriber
    if (interest.lane->late) continue;
    reached += interest.subscribers - sender;
    Delivery* delivery = AddDelivery(*interest.lane, lane_id, event);
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

// Only a subscriber may send: knowing a topic is what allows peers to talk to each other.
const PeerRecord* Relays::AddresseeOf(const LaneEvent& event, const TopicRecord& topic) const {
  const PeerRecord* peer = directory_.Peer(event.to());
  return peer && peer->id != event.peer() && peer->topics.contains(&topic) ? peer : nullptr;
}

uint64_t Relays::DeliverToOne(uint64_t lane_id, LaneEvent& event, const TopicRecord& topic) {
  const PeerRecord* target = AddresseeOf(event, topic);
  if (!target || target->lane->late) return 0;
  Delivery* delivery = AddDelivery(*target->lane, lane_id, event);
  delivery->set_to(event.to());
  delivery->mutable_topic()->swap(*event.mutable_topic());
  delivery->mutable_payload()->swap(*event.mutable_payload());
  return 1;
}

[[gnu::always_inline]] inline Delivery* Relays::AddDelivery(LaneRecord& lane, uint64_t origin,
                                                            const LaneEvent& event) {
  Delivery* delivery = output_.For(lane).add_deliveries();
  delivery->set_origin_lane(origin);
  delivery->set_origin_seq(event.seq());
  delivery->set_from(event.peer());
  if (lane.channel) {
    lane.ledger.Sent({origin, origin_link_, event.seq()});
    ++targets_;
  }
  delivery->set_read_us(event.read_us());
  ++counters_.deliveries;
  turn_.work += Turn::WorkOf(event.payload().size());
  return delivery;
}

void Relays::DeliverKept(LaneRecord& lane, const LateLanes::Kept& kept) {
  const LaneEvent& event = kept.event;
  const TopicRecord* topic = directory_.Topic(event.topic());
  if (!topic) return;
  const auto interest = std::find_if(topic->interests.begin(), topic->interests.end(),
                                     [&lane](const Interest& one) { return one.lane == &lane; });
  if (interest == topic->interests.end()) return;
  const PeerRecord* target = event.to() == 0 ? nullptr : AddresseeOf(event, *topic);
  if (event.to() != 0 && (!target || target->lane != &lane)) return;
  if (interest->subscribers == SenderIn(*interest, kept.origin_lane, event.peer(), *topic)) return;
  origin_link_ = kept.origin_link;
  if (LaneRecord* origin = OriginOf(kept.origin_lane, kept.origin_link))
    origin->ledger.AddTarget(event.seq());
  Delivery* delivery = AddDelivery(lane, kept.origin_lane, event);
  delivery->set_topic(event.topic());
  delivery->set_payload(event.payload());
  delivery->set_to(event.to());
}

void Relays::OnAcknowledged(LaneRecord& lane, const CoreToLane& message) {
  recovery_.OnAcknowledged(lane, message);
  lane.ledger.Answered(static_cast<size_t>(message.deliveries_size()),
                       [this](const auto& owed) { Settle(owed); });
}

LaneRecord* Relays::OriginOf(uint64_t lane_id, uint64_t link) {
  LaneRecord* lane = directory_.FindLane(lane_id);
  return lane && lane->channel && lane->channel->number() == link ? lane : nullptr;
}

void Relays::Settle(const RelayLedger::Owed& owed) {
  if (mesh_ && mesh_->Settle(owed)) return;
  LaneRecord* origin = OriginOf(owed.origin_lane, owed.origin_link);
  if (!origin) return;
  origin->ledger.Settle(owed.origin_seq);
  TellSettled(output_, *origin);
}

// ---- relays of other cores

// The deliveries that will be filled in next have been used before, and are in no cache any more:
// the one behind the next is loaded, and the texts of the next.
void Relays::LoadNext(google::protobuf::RepeatedPtrField<Delivery>& deliveries) {
  const int spare = deliveries.ClearedCount();
  const Delivery* const* next = deliveries.data() + deliveries.size();
  if (spare > 1) PrefetchToWrite(next[1], sizeof(Delivery));
  if (spare > 0) {
    PrefetchToWrite(&next[0]->topic(), sizeof(std::string));
    PrefetchToWrite(&next[0]->payload(), sizeof(std::string));
  }
}

bool Relays::DeliverItem(LaneRecord& lane, const link::RelayItem& relay,
                         const RelayLedger::Owed& owed) {
  auto& deliveries = *output_.For(lane).mutable_deliveries();
  Delivery* delivery = deliveries.Add();
  LoadNext(deliveries);
  delivery->set_origin_lane(relay.lane);
  delivery->set_origin_seq(relay.sequence);
  delivery->set_from(relay.peer);
  // set_topic() of a view copies it twice.
  delivery->mutable_topic()->assign(relay.topic);
  delivery->mutable_payload()->assign(relay.payload);
  delivery->set_to(relay.to);
  delivery->set_read_us(relay.read_us);
  ++counters_.deliveries;
  if (!lane.channel) return false;
  lane.ledger.Sent(owed);
  return true;
}

void Relays::AddTarget(const RelayLedger::Owed& owed) {
  if (LaneRecord* origin = OriginOf(owed.origin_lane, owed.origin_link))
    origin->ledger.AddTarget(owed.origin_seq);
}

// ---- what operators see

void Relays::Trace(uint64_t lane_id, const LaneRecord* origin, const LaneEvent& event,
                   const TopicRecord* topic, uint64_t subscribers_there, uint32_t cores) {
  signaling::v1::TraceRecord record;
  record.set_time_us(turn_.now_us);
  record.set_id(FormatId(event.peer()));
  if (origin) record.set_edge(origin->edge);
  record.set_topic(event.topic());
  record.set_seq(event.seq());
  record.set_payload_bytes(event.payload().size());
  record.set_latency_us(event.read_us() == 0 ? 0 : turn_.now_us - event.read_us());
  uint64_t subscribers = 0;
  uint32_t lanes = 0;
  if (topic && event.to() != 0) {
    subscribers = lanes = AddresseeOf(event, *topic) ? 1 : 0;
  } else if (topic) {
    for (const Interest& interest : topic->interests) {
      const uint32_t sender = SenderIn(interest, lane_id, event.peer(), *topic);
      subscribers += interest.subscribers - sender;
      lanes += interest.subscribers == sender ? 0 : 1;
    }
  }
  record.set_subscribers(subscribers + subscribers_there);
  record.set_lanes(lanes + cores);
  feed_.Publish(event.peer(), record);
}

}  // namespace cairn::core

// Batch: builds a batch of a lane, event by event.
#ifndef CAIRN_TESTS_SUPPORT_LANE_BATCH_H_
#define CAIRN_TESTS_SUPPORT_LANE_BATCH_H_

#include <cstdint>
#include <string>

#include "signaling/v1/lane.pb.h"

namespace cairn::core {

class Batch {
 public:
  Batch& Opened(uint64_t peer, bool wants_presence = false) {
    Add(signaling::v1::LaneEvent::KIND_PEER_OPENED, peer)
        .mutable_info()
        ->set_wants_presence(wants_presence);
    return *this;
  }
  Batch& Closed(uint64_t peer, uint32_t code = 0, const std::string& reason = "client_gone") {
    signaling::v1::LaneEvent& event = Add(signaling::v1::LaneEvent::KIND_PEER_CLOSED, peer);
    event.set_close_code(code);
    event.set_close_reason(reason);
    return *this;
  }
  // A subscription that no core was told of before.
  Batch& Subscribed(uint64_t peer, const std::string& topic, bool wants_answer = false) {
    Known(peer, topic);
    last().set_is_new(true);
    last().set_wants_answer(wants_answer);
    return *this;
  }
  // A subscription that an earlier core was told of.
  Batch& Known(uint64_t peer, const std::string& topic) {
    Add(signaling::v1::LaneEvent::KIND_SUBSCRIBED, peer).set_topic(topic);
    return *this;
  }
  Batch& Unsubscribed(uint64_t peer, const std::string& topic) {
    Add(signaling::v1::LaneEvent::KIND_UNSUBSCRIBED, peer).set_topic(topic);
    return *this;
  }
  Batch& Relayed(uint64_t peer, const std::string& topic, uint64_t seq) {
    signaling::v1::LaneEvent& event = Add(signaling::v1::LaneEvent::KIND_RELAYED, peer);
    event.set_topic(topic);
    event.set_payload("payload " + std::to_string(seq));
    event.set_seq(seq);
    return *this;
  }
  Batch& SnapshotEnd() {
    Add(signaling::v1::LaneEvent::KIND_SNAPSHOT_END, 0);
    return *this;
  }
  Batch& Goodbye() {
    Add(signaling::v1::LaneEvent::KIND_GOODBYE, 0);
    return *this;
  }
  // Adds an event of any kind; last() is for its other fields.
  signaling::v1::LaneEvent& Add(signaling::v1::LaneEvent::Kind kind, uint64_t peer) {
    signaling::v1::LaneEvent* event = batch_.add_events();
    event->set_kind(kind);
    event->set_peer(peer);
    return *event;
  }
  signaling::v1::LaneEvent& last() { return *batch_.mutable_events()->rbegin(); }

  const signaling::v1::LaneToCore& message() const { return batch_; }

 private:
  signaling::v1::LaneToCore batch_;
};

}  // namespace cairn::core

#endif  // CAIRN_TESTS_SUPPORT_LANE_BATCH_H_

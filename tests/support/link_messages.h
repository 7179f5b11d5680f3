// Small messages of links, and the numbers of relays in messages.
#ifndef CAIRN_TESTS_SUPPORT_LINK_MESSAGES_H_
#define CAIRN_TESTS_SUPPORT_LINK_MESSAGES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "signaling/v1/lane.pb.h"

namespace cairn::link {

inline signaling::v1::LaneEvent& AddRelay(signaling::v1::LaneToCore& message, uint64_t seq,
                                          size_t payload_bytes = 8) {
  signaling::v1::LaneEvent* event = message.add_events();
  event->set_kind(signaling::v1::LaneEvent::KIND_RELAYED);
  event->set_peer(7);
  event->set_topic("t");
  event->set_payload(std::string(payload_bytes, 'x'));
  event->set_seq(seq);
  return *event;
}
inline signaling::v1::LaneToCore Relay(uint64_t seq, size_t payload_bytes = 8) {
  signaling::v1::LaneToCore message;
  AddRelay(message, seq, payload_bytes);
  return message;
}
inline signaling::v1::CoreToLane Delivery(uint64_t seq, size_t payload_bytes = 8) {
  signaling::v1::CoreToLane message;
  signaling::v1::Delivery* delivery = message.add_deliveries();
  delivery->set_origin_lane(1);
  delivery->set_origin_seq(seq);
  delivery->set_topic("t");
  delivery->set_payload(std::string(payload_bytes, 'x'));
  return message;
}

// The numbers of the relays in it.
inline std::vector<uint64_t> Numbers(const signaling::v1::LaneToCore& message) {
  std::vector<uint64_t> numbers;
  for (const auto& event : message.events()) numbers.push_back(event.seq());
  return numbers;
}
inline std::vector<uint64_t> Numbers(const signaling::v1::CoreToLane& message) {
  std::vector<uint64_t> numbers;
  for (const auto& delivery : message.deliveries()) numbers.push_back(delivery.origin_seq());
  return numbers;
}

}  // namespace cairn::link

#endif  // CAIRN_TESTS_SUPPORT_LINK_MESSAGES_H_

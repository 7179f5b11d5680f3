// The common part of the two kinds of link messages: items that can be counted and moved to another
// message.
//
// Thread: none of its own.
#ifndef CAIRN_PROTO_LINK_ITEMS_H_
#define CAIRN_PROTO_LINK_ITEMS_H_

#include "signaling/v1/lane.pb.h"

namespace cairn::link {

// Calls take(item, add) for every item of the message, where add(other, item) moves it to another
// message. The order among items of one kind is kept.
template <typename Take>
void ForEachItem(signaling::v1::LaneToCore& message, Take take) {
  for (auto& event : *message.mutable_events())
    take(event, [](signaling::v1::LaneToCore& to, auto& item) { to.add_events()->Swap(&item); });
}
template <typename Take>
void ForEachItem(signaling::v1::CoreToLane& message, Take take) {
  using signaling::v1::CoreToLane;
  for (auto& one : *message.mutable_deliveries())
    take(one, [](CoreToLane& to, auto& item) { to.add_deliveries()->Swap(&item); });
  for (auto& one : *message.mutable_notices())
    take(one, [](CoreToLane& to, auto& item) { to.add_notices()->Swap(&item); });
  for (auto& one : *message.mutable_answers())
    take(one, [](CoreToLane& to, auto& item) { to.add_answers()->Swap(&item); });
  for (auto& one : *message.mutable_commands())
    take(one, [](CoreToLane& to, auto& item) { to.add_commands()->Swap(&item); });
}

// Moves fields that are not items and are sent once: the latest value is used.
inline void MoveRest(signaling::v1::LaneToCore& from, signaling::v1::LaneToCore& to) {
  if (from.has_stats()) to.mutable_stats()->Swap(from.mutable_stats());
}
inline void MoveRest(signaling::v1::CoreToLane& from, signaling::v1::CoreToLane& to) {
  to.mutable_settled()->MergeFrom(from.settled());
  if (from.has_roster()) to.mutable_roster()->Swap(from.mutable_roster());
}

inline int ItemCount(const signaling::v1::LaneToCore& message) { return message.events_size(); }
inline int ItemCount(const signaling::v1::CoreToLane& message) {
  return message.deliveries_size() + message.notices_size() + message.answers_size() +
         message.commands_size();
}
// Whether it contains anything that must be delivered.
inline bool IsEmpty(const signaling::v1::LaneToCore& message) {
  return ItemCount(message) == 0 && !message.has_stats();
}
inline bool IsEmpty(const signaling::v1::CoreToLane& message) {
  return ItemCount(message) == 0 && message.settled_size() == 0 && !message.has_roster();
}

// Moves everything in `from` behind the contents of `to`; `from` is left cleared, with its memory
// kept.
template <typename Message>
void MoveAll(Message& from, Message& to) {
  if (IsEmpty(to)) {
    to.Swap(&from);
  } else {
    ForEachItem(from, [&to](auto& item, auto add) { add(to, item); });
    MoveRest(from, to);
  }
  from.Clear();
}

}  // namespace cairn::link

#endif  // CAIRN_PROTO_LINK_ITEMS_H_

// Gathers messages for one lane into one, as every EdgeSink does while its lane is busy with the
// last.
#ifndef CAIRN_CORE_CORE_MESSAGE_H_
#define CAIRN_CORE_CORE_MESSAGE_H_

#include "signaling/v1/lane.pb.h"

namespace cairn::core {

// Moves what `from` says behind what `to` says, and leaves `from` cleared with its memory kept.
void AppendCoreMessage(signaling::v1::CoreToLane& from, signaling::v1::CoreToLane& to);

inline bool IsEmpty(const signaling::v1::CoreToLane& message) {
  return message.deliveries_size() == 0 && !message.has_welcome() && message.acked_seq() == 0 &&
         message.commands_size() == 0 && message.answers_size() == 0 &&
         message.notices_size() == 0 && message.roster_size() == 0;
}

}  // namespace cairn::core

#endif  // CAIRN_CORE_CORE_MESSAGE_H_

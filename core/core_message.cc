#include "core/core_message.h"

namespace cairn::core {

using signaling::v1::CoreToLane;

void AppendCoreMessage(CoreToLane& from, CoreToLane& to) {
  if (IsEmpty(to)) {
    to.Swap(&from);
    return;
  }
  for (auto& delivery : *from.mutable_deliveries()) to.add_deliveries()->Swap(&delivery);
  for (auto& answer : *from.mutable_answers()) to.add_answers()->Swap(&answer);
  for (auto& notice : *from.mutable_notices()) to.add_notices()->Swap(&notice);
  for (auto& command : *from.mutable_commands()) to.add_commands()->Swap(&command);
  if (from.roster_size() > 0) to.mutable_roster()->Swap(from.mutable_roster());
  if (from.has_welcome()) to.mutable_welcome()->Swap(from.mutable_welcome());
  if (from.acked_seq() != 0) to.set_acked_seq(from.acked_seq());
  from.Clear();
}

}  // namespace cairn::core

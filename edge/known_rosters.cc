#include "edge/known_rosters.h"

#include <absl/container/flat_hash_set.h>

namespace cairn::edge {

using signaling::v1::Roster;

void KnownRosters::OnRoster(const Roster& roster) {
  if (roster.has_stamp()) told_ = roster.stamp();
  if (roster.complete()) {
    complete_ = roster;
    return;
  }
  // From a core that is itself still waiting for lanes. The last complete roster stays as it is: a
  // lane that is not in it was passed over by that core.
  absl::flat_hash_set<uint64_t> known(complete_.lanes().begin(), complete_.lanes().end());
  known.insert(complete_.awaited().begin(), complete_.awaited().end());
  for (const uint64_t lane : roster.lanes()) {
    if (known.insert(lane).second) complete_.add_awaited(lane);
  }
}

void KnownRosters::FillIn(signaling::v1::Hello& hello) const {
  *hello.mutable_roster() = complete_;
  *hello.mutable_told() = told_;
}

}  // namespace cairn::edge

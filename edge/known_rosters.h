// KnownRosters: what a lane was told about other lanes, for the next core: whom it has to wait for,
// and which lanes earlier cores have passed over (docs/RELAYS.md, invariants H2 and H6).
//
// Owner:  Lane.
// Thread: its loop.
// Bounds: the last complete roster, the lanes that rosters have named since, and the last roster of
//         each of kMaxUndecided cores since.
#ifndef CAIRN_EDGE_KNOWN_ROSTERS_H_
#define CAIRN_EDGE_KNOWN_ROSTERS_H_

#include <cstddef>
#include <deque>

#include "signaling/v1/lane.pb.h"

namespace cairn::edge {

class KnownRosters {
 public:
  static constexpr size_t kMaxUndecided = 4;

  void OnRoster(const signaling::v1::Roster& roster);
  // Fills in `roster`, `told` and `undecided`.
  void FillIn(signaling::v1::Hello& hello) const;

 private:
  void AddUndecided(const signaling::v1::Roster& roster);

  signaling::v1::Roster complete_;   // the last one, and those that are `awaited` in addition
  signaling::v1::RosterStamp told_;  // of the last, complete or not
  // Since the last complete one: of each core that held relays no longer, but still kept some for
  // lanes that were late, the last.
  std::deque<signaling::v1::Roster> undecided_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_KNOWN_ROSTERS_H_

// KnownRosters: the rosters that a lane has got, for the next core: the lanes that it has to wait
// for, and those that earlier cores have passed over (docs/RELAYS.md, invariants H2 and H6).
//
// Owner:  Lane.
// Thread: its loop.
// Bounds: the last complete roster, and the lanes that others have named since.
#ifndef CAIRN_EDGE_KNOWN_ROSTERS_H_
#define CAIRN_EDGE_KNOWN_ROSTERS_H_

#include "signaling/v1/lane.pb.h"

namespace cairn::edge {

class KnownRosters {
 public:
  void OnRoster(const signaling::v1::Roster& roster);
  // Fills in `roster` and `told`.
  void FillIn(signaling::v1::Hello& hello) const;

 private:
  signaling::v1::Roster complete_;   // the last one, and those that are `awaited` in addition
  signaling::v1::RosterStamp told_;  // of the last, complete or not
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_KNOWN_ROSTERS_H_

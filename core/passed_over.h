// PassedOver: the lanes that have missed relays which an earlier core routed without them
// (docs/RELAYS.md, invariant H6).
//
// A lane's Hello has the last complete roster that it got from earlier cores, and the stamp of the
// last roster. A lane that is missing in a newer roster, or is in it with a link that the lane
// never had, was passed over by the core of that roster. The order of two cores is known from
// whether they knew of each other:
//
//   is core A earlier than core B?    B knows of A, and A does not know of B: yes
//                                     otherwise it is unknown, and the lane counts as passed over
//
// Owner:  Router.
// Thread: the router's.
// Bounds: the rosters of kMaxRosters cores, the numbers of kMaxEarlier cores, of every connected
//         lane one stamp.
#ifndef CAIRN_CORE_PASSED_OVER_H_
#define CAIRN_CORE_PASSED_OVER_H_

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <cstdint>

#include "signaling/v1/lane.pb.h"

namespace cairn::core {

// Roster.links of a lane that may not learn from this core that it has missed relays: the next one
// has to tell it (H9).
inline constexpr uint64_t kUnawareLink = ~uint64_t{0};

class PassedOver {
 public:
  using CoreIds = google::protobuf::RepeatedField<uint64_t>;

  explicit PassedOver(uint64_t core_id) : core_id_(core_id) {}

  // A lane has begun a link. `knew_core`: it had a link with an earlier core.
  void OnHello(const signaling::v1::Hello& hello, bool knew_core);
  // The lane has left or was given up.
  void OnGone(uint64_t lane_id) { lanes_.erase(lane_id); }
  // The lane is told anyway that it has missed relays.
  void OnTold(uint64_t lane_id) { lanes_.erase(lane_id); }

  // The connected lanes that were passed over. Each is returned once, and never after OnTold().
  absl::flat_hash_set<uint64_t> Take();

  // The cores that lanes have told this one of, the latest last: for rosters and Welcome.
  const CoreIds& earlier() const { return earlier_; }

 private:
  static constexpr size_t kMaxRosters = 16;  // those of further cores are ignored
  static constexpr int kMaxEarlier = 32;     // of more the latest

  struct Roster {
    signaling::v1::RosterStamp stamp;
    absl::flat_hash_map<uint64_t, uint64_t> links;  // by lane; 0: unknown
  };
  // What a lane told in its Hello.
  struct Said {
    uint64_t core_id;
    uint64_t link;
    signaling::v1::RosterStamp told;
  };

  void AddRoster(const signaling::v1::Roster& roster);
  void AddEarlier(uint64_t core_id);
  void AddEarlier(const CoreIds& core_ids);
  bool HasMissedRelays(uint64_t lane_id, const Said& said, const Roster& roster) const;

  const uint64_t core_id_;
  // Connected, knew an earlier core, and not told yet.
  absl::flat_hash_map<uint64_t, Said> lanes_;
  absl::flat_hash_map<uint64_t, Roster> rosters_;  // by core: its latest complete one
  CoreIds earlier_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_PASSED_OVER_H_

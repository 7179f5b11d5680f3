// Inside: looks at what a lane and its link keep, which nothing else needs to see.
//
// An explicit instantiation may name private members ([temp.spec] 6): no class has to know of its
// simulation.
#ifndef CAIRN_TESTS_SIM_INSIDE_H_
#define CAIRN_TESTS_SIM_INSIDE_H_

#include "edge/lane.h"
#include "edge/lane_link.h"

namespace cairn::sim {

template <typename Tag, typename Tag::Member member>
struct Opening {
  friend typename Tag::Member Get(Tag) { return member; }
};

struct LaneOpenRelays {
  using Member = edge::OpenRelays edge::Lane::*;
  friend Member Get(LaneOpenRelays);
};
struct LaneOutbox {
  using Member = edge::Outbox edge::Lane::*;
  friend Member Get(LaneOutbox);
};
struct LaneUntold {
  using Member = std::vector<uint64_t> edge::Lane::*;
  friend Member Get(LaneUntold);
};
struct LaneLinkNumber {
  using Member = uint64_t edge::LaneLink::*;
  friend Member Get(LaneLinkNumber);
};

template struct Opening<LaneLinkNumber, &edge::LaneLink::link_number_>;
template struct Opening<LaneOpenRelays, &edge::Lane::open_>;
template struct Opening<LaneOutbox, &edge::Lane::outbox_>;
template struct Opening<LaneUntold, &edge::Lane::untold_>;

inline uint64_t NumberOf(edge::LaneLink& link) { return link.*Get(LaneLinkNumber{}); }
inline edge::OpenRelays& OpenRelaysOf(edge::Lane& lane) { return lane.*Get(LaneOpenRelays{}); }
inline edge::Outbox& OutboxOf(edge::Lane& lane) { return lane.*Get(LaneOutbox{}); }
inline std::vector<uint64_t>& UntoldOf(edge::Lane& lane) { return lane.*Get(LaneUntold{}); }

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_INSIDE_H_

// Seeds that have failed, with the fault that they found: they are run first. They give the same
// run only as long as plan.cc draws the same numbers.
#ifndef CAIRN_TESTS_SIM_SEEDS_H_
#define CAIRN_TESTS_SIM_SEEDS_H_

#include <array>
#include <cstdint>

namespace cairn::sim {

struct KeptSeed {
  uint64_t seed;
  const char* was;
};

inline constexpr std::array kKeptSeeds = {
    KeptSeed{75, "a roster forgot whom a core had passed over, and the lane was not told"},
    KeptSeed{3204, "a record that was resent took the place of a newer one"},
    KeptSeed{3646,
             "a lane that was given up forgot a relay that was not settled, and the core ended"},
    KeptSeed{15489, "a flood through small windows took longer than the simulation waited"},
    KeptSeed{186851, "of two cores that no lane had told of each other, one had missed a lane"},
    KeptSeed{156637, "a lane that had heard no more of a core than its Welcome hid that core"},
    KeptSeed{227350, "a lane that was given up was in the roster again before it knew"},
    KeptSeed{182433, "a lane did not learn that it had missed relays"},
    KeptSeed{114812, "a lane did not learn that it had missed relays"},
    KeptSeed{147457, "a lane did not learn that it had missed relays"},
    KeptSeed{161479, "a lane did not learn that it had missed relays"},
    KeptSeed{166747, "a lane did not learn that it had missed relays"},
    KeptSeed{223264, "a lane did not learn that it had missed relays"},
    KeptSeed{2474, "a lane was full of what it could not acknowledge while its batch took turns"},
    KeptSeed{10070630, "only a lane that ended knew that another had been given up"},
    KeptSeed{10529466,
             "lanes were given up for what they could not say while their messages took turns"},
    KeptSeed{10102164, "a lane was given up while relays were kept for another, and was not told"},
    KeptSeed{10124951, "the core ended before a lane got the notice that it had missed relays"},
    KeptSeed{11117018, "only a lane that drained knew whom a core had not waited for"},
    KeptSeed{11793180, "the core was stopping, and all was looked at before it had ended"},
    KeptSeed{10489540, "a core that had heard of new lanes only counted as the first of all"},
};

// The same for several cores (mesh_world).
inline constexpr std::array kKeptMeshSeeds = {
    KeptSeed{6664, "a lane tried another core in vain, and its relays were stale there meanwhile"},
    KeptSeed{3891, "without its rule: a lane that was given up elsewhere is not told"},
    KeptSeed{919, "what was held passed by a lane for which nothing was kept elsewhere any more"},
    KeptSeed{9698, "a client had subscribed while its core and one that joined were parted"},
    KeptSeed{895, "a core that had started while another hung took lanes, which told nobody"},
    KeptSeed{4832, "without its rule: a core that joins does not hear of lanes at third cores"},
    KeptSeed{13779, "the same"},
    KeptSeed{8081, "a core that held relays took a lane that had only come to another for found"},
};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_SEEDS_H_

// Seeds that have failed, with what was wrong: run first, for ever. They mean what they did for as
// long as plan.cc draws alike.
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
};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_SEEDS_H_

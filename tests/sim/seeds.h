// Seeds that have failed, with what was wrong: run first, for ever.
#ifndef CAIRN_TESTS_SIM_SEEDS_H_
#define CAIRN_TESTS_SIM_SEEDS_H_

#include <array>
#include <cstdint>

namespace cairn::sim {

struct KeptSeed {
  uint64_t seed;
  const char* was;
};

inline constexpr std::array<KeptSeed, 0> kKeptSeeds = {};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_SEEDS_H_

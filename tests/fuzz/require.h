// Require: what must hold for every input of a fuzz target; it ends the process if it does not.
#ifndef CAIRN_TESTS_FUZZ_REQUIRE_H_
#define CAIRN_TESTS_FUZZ_REQUIRE_H_

#include <cstdio>
#include <cstdlib>

namespace cairn {

inline void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace cairn

#endif  // CAIRN_TESTS_FUZZ_REQUIRE_H_

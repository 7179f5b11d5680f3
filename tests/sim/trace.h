// Trace: the last events of a run, as text. Off unless one seed is run alone (--seed).
//
// Bounds: kMaxLines of kMaxLine characters, in static memory: a run takes the same addresses with
// and without it.
#ifndef CAIRN_TESTS_SIM_TRACE_H_
#define CAIRN_TESTS_SIM_TRACE_H_

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "tests/sim/timeline.h"

namespace cairn::sim {

class Trace {
 public:
  static constexpr size_t kMaxLines = 65'536;
  static constexpr size_t kMaxLine = 192;

  Trace(const Timeline& timeline, size_t lines)
      : timeline_(timeline), max_(std::min(lines, kMaxLines)) {}
  template <typename... Parts>
  void Say(const Parts&... parts) {
    if (max_ == 0) return;
    char* line = lines_[said_++ % kMaxLines];
    int used =
        std::snprintf(line, kMaxLine, "%10.6f  ", static_cast<double>(timeline_.now()) / kSecond);
    (Append(line, used, parts), ...);
  }
  void Print(FILE* out) const {
    for (size_t i = said_ - std::min({said_, max_, kMaxLines}); i < said_; ++i)
      std::fprintf(out, "%s\n", lines_[i % kMaxLines]);
  }

 private:
  static void Append(char* line, int& used, const absl::AlphaNum& part) {
    const size_t size = std::min(part.size(), kMaxLine - 1 - static_cast<size_t>(used));
    std::memcpy(line + used, part.data(), size);
    used += static_cast<int>(size);
    line[used] = '\0';
  }

  static inline char lines_[kMaxLines][kMaxLine];
  const Timeline& timeline_;
  const size_t max_;
  size_t said_ = 0;
};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_TRACE_H_

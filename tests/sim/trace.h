// Trace: what happened in a run, in words: the last lines of it. Off unless a run is to be looked at.
#ifndef CAIRN_TESTS_SIM_TRACE_H_
#define CAIRN_TESTS_SIM_TRACE_H_

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <cstdio>
#include <deque>
#include <string>

#include "tests/sim/timeline.h"

namespace cairn::sim {

class Trace {
 public:
  Trace(const Timeline& timeline, size_t lines) : timeline_(timeline), max_(lines) {}
  bool on() const { return max_ > 0; }
  template <typename... Parts>
  void Say(const Parts&... parts) {
    if (!on()) return;
    lines_.push_back(absl::StrFormat("%10.6f  ", static_cast<double>(timeline_.now()) / kSecond) +
                     absl::StrCat(parts...));
    if (lines_.size() > max_) lines_.pop_front();
  }
  void Print(FILE* out) const {
    for (const std::string& line : lines_) std::fprintf(out, "%s\n", line.c_str());
  }

 private:
  const Timeline& timeline_;
  const size_t max_;
  std::deque<std::string> lines_;
};

}  // namespace cairn::sim

#endif  // CAIRN_TESTS_SIM_TRACE_H_

#include "edge/core_turns.h"

#include <algorithm>

namespace cairn::edge {

std::vector<size_t> CoreTurns::Next(absl::Duration now) const {
  std::vector<size_t> turns, failed;
  for (const Failure& failure : failures_) {
    if (now - failure.at < kFailureKept) failed.push_back(failure.core);
  }
  const auto add = [&turns](size_t core) {
    if (std::find(turns.begin(), turns.end(), core) == turns.end()) turns.push_back(core);
  };
  const auto has_failed = [&failed](size_t core) {
    return std::find(failed.begin(), failed.end(), core) != failed.end();
  };
  if (current_ && !has_failed(*current_)) add(*current_);
  for (size_t core = 0; core < cores_; ++core) {
    if (!has_failed(core)) add(core);
  }
  for (const size_t core : failed) add(core);
  return turns;
}

void CoreTurns::OnGood(size_t core) {
  current_ = core;
  OnWell(core);
}

void CoreTurns::OnWell(size_t core) {
  std::erase_if(failures_, [core](const Failure& failure) { return failure.core == core; });
}

void CoreTurns::OnFailed(size_t core, absl::Duration now) {
  std::erase_if(failures_, [core](const Failure& failure) { return failure.core == core; });
  failures_.push_back({core, now});
}

}  // namespace cairn::edge

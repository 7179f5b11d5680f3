#include "edge/core_turns.h"

#include <algorithm>

namespace cairn::edge {

std::vector<size_t> CoreTurns::Next() const {
  std::vector<size_t> turns;
  const auto add = [&turns](size_t core) {
    if (std::find(turns.begin(), turns.end(), core) == turns.end()) turns.push_back(core);
  };
  const auto has_failed = [this](size_t core) {
    return std::find(failed_.begin(), failed_.end(), core) != failed_.end();
  };
  if (current_ && !has_failed(*current_)) add(*current_);
  for (size_t core = 0; core < cores_; ++core) {
    if (!has_failed(core)) add(core);
  }
  for (const size_t core : failed_) add(core);
  return turns;
}

void CoreTurns::OnGood(size_t core) {
  current_ = core;
  std::erase(failed_, core);
}

void CoreTurns::OnFailed(size_t core) {
  std::erase(failed_, core);
  failed_.push_back(core);
}

}  // namespace cairn::edge

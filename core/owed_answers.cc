#include "core/owed_answers.h"

#include <algorithm>
#include <utility>

namespace cairn::core {

void OwedAnswers::Add(Query query) {
  std::deque<Query>& own = by_peer_[query.peer];
  const bool is_owed = std::any_of(own.begin(), own.end(),
                                   [&](const Query& one) { return one.topic == query.topic; });
  if (is_owed || own.size() >= kMaxPerPeer) return;
  if (own.empty()) turns_.push_back(query.peer);
  own.push_back(std::move(query));
  ++size_;
}

OwedAnswers::Query OwedAnswers::Take() {
  const uint64_t peer = turns_.front();
  turns_.pop_front();
  const auto own = by_peer_.find(peer);
  Query query = std::move(own->second.front());
  own->second.pop_front();
  --size_;
  if (own->second.empty()) {
    by_peer_.erase(own);
  } else {
    turns_.push_back(peer);
  }
  return query;
}

void OwedAnswers::Remove(uint64_t peer, std::optional<std::string_view> topic) {
  const auto own = by_peer_.find(peer);
  if (own == by_peer_.end()) return;
  size_ -=
      std::erase_if(own->second, [&](const Query& one) { return !topic || one.topic == *topic; });
  if (!own->second.empty()) return;
  by_peer_.erase(own);
  std::erase(turns_, peer);
}

}  // namespace cairn::core

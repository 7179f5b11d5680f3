// OwedAnswers: queries of one lane's peers that have an answer and wait for their turn.
//
// Peers are served round-robin, one answer each: a peer with many queries does not delay others.
//
// Owner:  a LaneRecord.
// Thread: the router's.
// Bounds: kMaxPerPeer topics of a peer; further queries get an empty answer from the edge in time.
#ifndef CAIRN_CORE_OWED_ANSWERS_H_
#define CAIRN_CORE_OWED_ANSWERS_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::core {

class OwedAnswers {
 public:
  static constexpr size_t kMaxPerPeer = 64;  // EdgeLimits::max_held_queries

  struct Query {
    uint64_t peer = 0;
    std::string topic;
  };

  bool empty() const { return turns_.empty(); }
  size_t size() const { return size_; }

  // A topic for which the peer already waits is counted once.
  void Add(Query query);
  // Removes and returns the next one. REQUIRES: !empty().
  Query Take();
  // The peer no longer waits for the topic, or has left.
  void Remove(uint64_t peer, std::optional<std::string_view> topic = std::nullopt);

 private:
  absl::flat_hash_map<uint64_t, std::deque<Query>> by_peer_;
  std::deque<uint64_t> turns_;  // peers that wait, the next one first
  size_t size_ = 0;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_OWED_ANSWERS_H_
